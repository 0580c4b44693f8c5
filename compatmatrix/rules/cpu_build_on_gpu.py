"""A CPU-only torch on a machine whose GPU some other build would serve."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.cuda import Capability
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope
from compatmatrix.rules.coverage import fix_with_other_build, serves


def check(case: Case) -> Iterator[Finding]:
    pin = case.stack.get("torch")
    build = case.build
    flavour = build.build if build else pin.flavour if pin else None
    if flavour != "cpu" or not case.host.has_gpu:
        return
    platform = case.host.platform.value or ""
    gpus = case.host.gpus.value or ()
    capabilities = frozenset(gpu.capability for gpu in gpus if gpu.capability)
    if not capabilities or not _ever_served(case.matrix, capabilities, platform, case.system):
        return
    names = ", ".join(dict.fromkeys(gpu.name for gpu in gpus))
    yield Finding(
        RULE.code,
        Severity.ERROR,
        f"torch {pin.version if pin else ''} is a CPU build: it leaves the {names} unused".replace("  ", " "),
        "take a CUDA build",
        fix=fix_with_other_build(case),
        packages=("torch",),
        evidence=(build.evidence,) if build else (),
    )


@lru_cache(maxsize=1024)
def _ever_served(matrix: Matrix, gpus: frozenset[Capability], platform: str, system: str) -> bool:
    """Whether any known build has code for all these GPUs; one that none has is rightly left to the CPU."""
    return any(
        all(serves(build, gpu, None, system, matrix) for gpu in gpus)
        for torch in matrix.torches
        for build in matrix.builds_for(torch, platform)
        if build.cuda
    )


RULE = Rule("cpu-build-on-gpu", "a CPU build leaves a GPU unused", Scope.HOST, check)
