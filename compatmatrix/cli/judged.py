"""Something that was judged: an environment, a file, a pasted report."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.host import Host
from compatmatrix.model.stack import Stack
from compatmatrix.probe.interpreter import Interpreter

if TYPE_CHECKING:
    from compatmatrix.probe.trouble import Trouble
    from compatmatrix.rules import Rule


class Judged(NamedTuple):
    """what: its name for people. notes: what else was seen. interpreter: for an environment.

    troubles: what only the live environment showed; their findings are among the findings. conda: what conda installed.
    covered: conda's records of what pip has put its own copies over. on: the name of the host, where several are
    judged.
    """

    what: str
    stack: Stack
    host: Host
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    interpreter: Interpreter | None = None
    troubles: tuple["Trouble", ...] = ()
    conda: frozenset[str] = frozenset()
    covered: Stack = Stack()
    on: str = ""

    @property
    def rules(self) -> tuple["Rule", ...]:
        """Who judges: of a torch that conda installed, less can be said."""
        from compatmatrix.rules import RULES

        if "torch" not in self.conda:
            return RULES
        from compatmatrix.rules.conda_rules import CONDA_RULES

        return CONDA_RULES

    def seen_in(self, matrix: Matrix) -> Matrix:
        """The matrix to judge by: conda's builds where conda installed torch."""
        if "torch" not in self.conda or self.interpreter is None:
            return matrix
        from compatmatrix.probe.conda import channels_of
        from compatmatrix.resolve.conda_builds import conda_matrix

        return conda_matrix(matrix, channels_of(self.interpreter.prefix), self.stack.get("torch"), self.host)

    @property
    def empty(self) -> bool:
        """Neither torch nor fastai: nothing to judge, unless something was found all the same."""
        return "torch" not in self.stack and "fastai" not in self.stack and not self.findings


def verdict_on(judged: Sequence[Judged]) -> str:
    """The contract's verdict on all together: "incompatible", "unknown" or "compatible"."""
    severities = {finding.severity for one in judged for finding in one.findings}
    if Severity.ERROR in severities:
        return "incompatible"
    return "unknown" if Severity.UNKNOWN in severities or all(one.empty for one in judged) else "compatible"
