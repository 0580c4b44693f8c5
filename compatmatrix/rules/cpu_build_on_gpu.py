"""A CPU-only torch on a machine whose GPU some other build would serve."""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope
from compatmatrix.rules.coverage import ever_served, fix_with_other_build


def check(case: Case) -> Iterator[Finding]:
    pin = case.stack.get("torch")
    build = case.build
    flavour = build.build if build else pin.flavour if pin else None
    if flavour != "cpu" or not case.host.has_gpu:
        return
    platform = case.host.platform.value or ""
    gpus = [
        gpu
        for gpu in case.host.gpus.value or ()
        if gpu.capability and ever_served(gpu.capability, platform, case.system, case.matrix)
    ]
    if not gpus:
        return
    names = ", ".join(dict.fromkeys(gpu.name for gpu in gpus))
    fix = fix_with_other_build(case)
    yield Finding(
        RULE.code,
        Severity.ERROR,
        f"torch {pin.version if pin else ''} is a CPU build: it leaves the {names} unused".replace("  ", " "),
        f"take a CUDA build: {fix[0]}" if fix else "take a CUDA build",
        fix=fix,
        packages=("torch",),
        evidence=(build.evidence,) if build else (),
    )


RULE = Rule("cpu-build-on-gpu", "a CPU build leaves a GPU unused", Scope.HOST, check)
