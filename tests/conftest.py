"""Fixtures that all tests share."""

from __future__ import annotations

import pytest

from compatmatrix.matrix import Matrix, load_matrix


@pytest.fixture(scope="session")
def matrix() -> Matrix:
    """The real matrix."""
    return load_matrix()
