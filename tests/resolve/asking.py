"""Questions to `decide`, for the tests of its answers."""

from __future__ import annotations

from typing import Any

from packaging.version import Version

from compatmatrix.matrix import Matrix
from compatmatrix.model.decision import Decision
from compatmatrix.model.host import Host
from compatmatrix.resolve.decide import Refusal, decide
from compatmatrix.resolve.question import Question, parse_requirements


def ask(matrix: Matrix, where: Host, *requirements: str, **values: Any) -> Decision | Refusal:
    return decide(Question(where, parse_requirements(requirements), **values), matrix)


def decided(matrix: Matrix, where: Host, *requirements: str, **values: Any) -> Decision:
    made = ask(matrix, where, *requirements, **values)
    assert isinstance(made, Decision), [one.findings[0].message for one in made.rejected[:5]]
    return made


def refused(matrix: Matrix, where: Host, *requirements: str, **values: Any) -> Refusal:
    made = ask(matrix, where, *requirements, **values)
    assert isinstance(made, Refusal), made.requirements
    return made


def codes(made: Refusal | Decision) -> set[str]:
    return {finding.code for one in made.rejected for finding in one.findings}


def minors(matrix: Matrix) -> list[Version]:
    """The newest release of each minor, newest first."""
    found: dict[tuple[int, int], Version] = {}
    for torch in matrix.torches:
        found.setdefault((torch.major, torch.minor), torch)
    return list(found.values())
