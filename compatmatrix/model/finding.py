"""Findings: what a rule has to say about a case. Plain values; wording is done by the rule that saw it."""

from enum import StrEnum
from typing import Any, NamedTuple


class Severity(StrEnum):
    """error: does not work. warning: may not. unknown: a fact is missing, so nobody can say."""

    ERROR = "error"
    WARNING = "warning"
    UNKNOWN = "unknown"


class Evidence(NamedTuple):
    """Where a fact was read and when it was last checked (ISO date)."""

    source: str
    checked: str


class Place(NamedTuple):
    """A line in a file, counted from 1."""

    file: str
    line: int


class Finding(NamedTuple):
    """One thing found.

    code: from the contract ("arch-missing"). fix: requirements that repair it, in the form pip takes; packages:
    the distributions concerned.
    """

    code: str
    severity: Severity
    message: str
    hint: str = ""
    fix: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    where: Place | None = None

    def to_dict(self) -> dict[str, Any]:
        """The finding as in the JSON contract."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            "message": self.message,
            "hint": self.hint,
            "fix": list(self.fix),
            "packages": list(self.packages),
            "evidence": [evidence._asdict() for evidence in self.evidence],
            "where": self.where._asdict() if self.where else None,
        }
