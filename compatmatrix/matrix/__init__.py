"""The matrix: curated facts with evidence, loaded, checked and asked. Nothing here judges a stack."""

from compatmatrix.matrix.load import load_matrix
from compatmatrix.matrix.matrix import Matrix

__all__ = ["Matrix", "load_matrix"]
