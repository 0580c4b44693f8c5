"""A decision (level 1): the stack for a host, and why not the others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from compatmatrix.model.cuda import Capability
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.finding import Finding
from compatmatrix.model.host import Host
from compatmatrix.model.proof import ProofLevel
from compatmatrix.model.stack import Stack


class Rejection:
    """A candidate that was not taken, and why.

    stack: what was tried. build, index: which wheel was meant. The findings are worded when somebody asks for them:
    most never are, and a decision may pass over hundreds of candidates.
    """

    __slots__ = ("_findings", "_why", "build", "index", "stack")

    def __init__(self, stack: Stack, build: str, index: str, why: Callable[[], tuple[Finding, ...]]) -> None:
        self.stack = stack
        self.build = build
        self.index = index
        self._why = why
        self._findings: tuple[Finding, ...] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rejection) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Why it was rejected; never empty."""
        if self._findings is None:
            self._findings = self._why()
        return self._findings

    def to_dict(self) -> dict[str, Any]:
        """As in the JSON contract; build and index say which wheel was meant."""
        return {
            "stack": self.stack.versions(),
            "build": self.build,
            "index": self.index,
            "findings": [finding.to_dict() for finding in self.findings],
        }


class ProofMark(NamedTuple):
    """The best proof known for a stack.

    record: its place below data/proofs, or a path. python: on which other Python it was trained; empty for the host's.
    """

    level: ProofLevel
    record: str
    python: str = ""

    @property
    def words(self) -> str:
        """The level, for people: "versions-trained on Python 3.11"."""
        return f"{self.level} on Python {self.python}" if self.python else str(self.level)


class Floor(NamedTuple):
    """The least that a CUDA build runs on. driver: on Linux, by the CUDA family. capability: None where not known."""

    driver: DriverVersion
    capability: Capability | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Level 1: the stack for a host, decided from the matrix alone.

    build: "cu126", "cpu". index: "pypi" or "pytorch"; index_url: the PyTorch index for this build, empty for
    PyPI. requirements: what goes to the resolver, pins first, in pip's form. constraints: limits on
    packages that are not pinned. notes: sentences for the reader (what was given up and why). others: hosts that the
    same stack was decided for besides `host`. floor: of a CUDA build where it is known. elsewhere: platforms besides
    that of `host` which the lock serves with builds of their own.
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
    others: tuple[Host, ...] = ()
    floor: Floor | None = None
    elsewhere: tuple[str, ...] = ()

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Every host that it was decided for."""
        return (self.host, *self.others)

    @property
    def platforms(self) -> tuple[str, ...]:
        """Every platform that it was decided for, that of `host` first; empty where that is not known."""
        return tuple(dict.fromkeys(filter(None, (self.host.platform.value, *self.elsewhere))))
