"""A decision (level 1): the stack for a host, and why not the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from compatmatrix.model.finding import Finding
from compatmatrix.model.host import Host
from compatmatrix.model.proof import ProofLevel
from compatmatrix.model.stack import Stack


@dataclass(frozen=True, slots=True)
class Rejection:
    """A candidate that was not taken, and why."""

    stack: Stack
    build: str
    index: str
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """As in the JSON contract; build and index say which wheel was meant."""
        return {
            "stack": self.stack.versions(),
            "build": self.build,
            "index": self.index,
            "findings": [finding.to_dict() for finding in self.findings],
        }


class ProofMark(NamedTuple):
    """The best proof known for a stack. record: its place below data/proofs, or a path."""

    level: ProofLevel
    record: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Level 1: the stack for a host, decided from the matrix alone.

    build: "cu126", "cpu". index: "pypi" or "pytorch"; index_url: the PyTorch index for this build, empty for
    PyPI. requirements: what goes to the resolver, pins first, in pip's form. constraints: limits on
    packages that are not pinned. notes: sentences for the reader (what was given up and why).
    """

    stack: Stack
    build: str
    index: str
    index_url: str
    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    host: Host
    matrix_digest: str
    rejected: tuple[Rejection, ...] = ()
    notes: tuple[str, ...] = ()
    proof: ProofMark | None = None
