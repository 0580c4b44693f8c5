"""NumPy is outside the ABI that torch was compiled against."""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.matrix.rows import admits
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope


def check(case: Case) -> Iterator[Finding]:
    torch = case.stack.release("torch")
    row = case.matrix.torches.get(torch) if torch else None
    numpy = case.stack.release("numpy")
    if row is None or numpy is None or not row.numpy or admits(row.numpy, numpy):
        return
    yield Finding(
        RULE.code,
        Severity.ERROR,
        f"numpy {numpy} is outside the ABI of torch {row.version}, which was compiled for numpy {row.numpy}: "
        f"training stops with 'RuntimeError: Numpy is not available'",
        fix=(f"numpy{row.numpy}",),
        packages=("numpy", "torch"),
        evidence=(row.evidence,),
    )


RULE = Rule("numpy-abi", "numpy is outside the ABI that torch was compiled for", Scope.VERSIONS, check)
