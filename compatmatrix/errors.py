"""Our few exceptions. They mean that no answer could be reached; "incompatible" is an answer, not an error.

Each carries a slug for scripts, every problem found in one run, and a hint how to go on. Wording and the
exit status are attributes, so that one place (the command line) turns them into output.
"""

from __future__ import annotations

from collections.abc import Iterable


class CompatmatrixError(Exception):
    """No answer could be reached.

    slug: kebab-case name for scripts. problems: one line each, with the place. hint: how to go on.
    exit_status: as in the command contract (2 wrong usage, 3 could not tell).
    """

    slug = "error"
    exit_status = 3

    def __init__(self, problems: str | Iterable[str], *, hint: str = "", slug: str = "") -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        self.hint = hint
        if slug:
            self.slug = slug
        super().__init__("; ".join(self.problems))

    def __str__(self) -> str:
        lines = [f"error[{self.slug}]: {problem}" for problem in self.problems]
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)


class UsageError(CompatmatrixError):
    """The request itself makes no sense (an unknown GPU name, a requirement that cannot be parsed)."""

    slug = "usage"
    exit_status = 2


class BadInput(CompatmatrixError):
    """A file or a program gave something that could not be read."""

    slug = "bad-input"


class MatrixError(CompatmatrixError):
    """The matrix has faults; all of them are listed."""

    slug = "bad-matrix"


class IndexUnavailable(CompatmatrixError):
    """A package index could not be reached in time."""

    slug = "index-unavailable"


class IndexClosed(IndexUnavailable):
    """A package index wants a name and a password that we do not have."""


class ToolFailed(CompatmatrixError):
    """A program that we depend on (uv, the target interpreter) failed in an unforeseen way."""

    slug = "tool-failed"


class HeldBack(CompatmatrixError):
    """A stack was decided, it has warnings, and --strict was given: nothing is written."""

    slug = "warnings"
    exit_status = 1


class NoSolution(CompatmatrixError):
    """The closure of a decided stack does not resolve: an answer, and the answer is no."""

    slug = "no-solution"
    exit_status = 1
