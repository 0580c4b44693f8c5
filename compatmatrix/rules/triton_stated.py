"""torch.compile finds no triton: on Windows and macOS torch brings none, elsewhere it is missing or does not fit."""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope


def check(case: Case) -> Iterator[Finding]:
    sign = case.observed.sign("triton-missing")
    if sign is None or case.observed.sign("triton-gpu-too-old", "triton-differs", "compile-windows"):
        return
    system = (case.host.platform.value or "").partition("-")[0]
    if case.host.platform.origin == "assumed" and case.observed.sign("windows-said"):
        system = "windows"
    where = f"(line {sign.line}: “{sign.text}”)"
    if system == "windows":
        yield Finding(
            RULE.code, Severity.ERROR, f"torch brings no triton on Windows, and torch.compile asks for it {where}",
            "leave torch.compile out, use WSL, or install the community's triton-windows of the same minor release",
            packages=("triton",),
        )  # fmt: skip
    elif system == "linux":
        yield Finding(
            "other", Severity.ERROR, f"torch.compile finds no triton that works {where}",
            "install the triton that this torch asks for (pip show torch names it); on an old GPU, leave torch.compile "
            "out",
            packages=("triton",),
        )  # fmt: skip


RULE = Rule("platform-unsupported", "torch.compile without triton", Scope.HOST, check)
