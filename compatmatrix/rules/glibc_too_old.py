"""The C library (or macOS) is older than the wheel's platform tag allows."""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope


def check(case: Case) -> Iterator[Finding]:
    build, libc = case.build, case.host.libc.value
    if build is None or build.libc is None or libc is None or libc.kind != build.libc.kind or libc >= build.libc:
        return
    older = [
        torch
        for torch in case.matrix.torches
        for other in case.matrix.builds_for(torch, build.platform)
        if other.libc is None or (other.libc.kind == libc.kind and other.libc <= libc)
    ]
    last = f"torch {older[0]} is the newest with a wheel for it" if older else "no wheel in the matrix is that old"
    yield Finding(
        RULE.code,
        Severity.ERROR,
        f"{libc} is too old for torch {build.torch} ({build.wheel}): it needs {build.libc} or later",
        f"update the system or use a container; {last}",
        packages=("torch",),
        evidence=(build.evidence,),
    )


RULE = Rule("glibc-too-old", "the C library is older than the wheels need", Scope.HOST, check)
