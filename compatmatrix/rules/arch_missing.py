"""The torch build has no code for one of the GPUs."""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.matrix.rows import Build
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope
from compatmatrix.rules.coverage import fix_with_other_build, served_by_older_ptx, unserved, usable_gpus


def check(case: Case) -> Iterator[Finding]:
    build, host = case.build, case.host
    if build is None or build.cuda is None:
        return
    for gpu in dict.fromkeys(host.gpus.value or ()):
        if gpu.capability is None:
            yield Finding(
                RULE.code,
                Severity.UNKNOWN,
                f"cannot tell whether torch {build.full_version} has code for the {gpu.name}: "
                "its compute capability is not known",
                "name it with --cc, or update the matrix",
                packages=("torch",),
            )
    if not build.archs_known:
        if host.has_gpu:
            yield Finding(
                RULE.code,
                Severity.UNKNOWN,
                f"the architectures of torch {build.torch} for {build.build} on {build.platform} are not in the matrix",
                packages=("torch",),
                evidence=(build.evidence,),
            )
        return
    idle = [gpu for gpu in dict.fromkeys(host.gpus.value or ()) if gpu not in usable_gpus(host, case.matrix)]
    if idle:
        yield Finding(
            RULE.code,
            Severity.WARNING,
            f"no torch in the matrix has code for {', '.join(map(str, idle))}: it stays unused",
            packages=("torch",),
        )
    yield from _by_older_ptx(case, build)
    missing = unserved(build, host, case.system, case.matrix)
    if not missing:
        return
    fix = fix_with_other_build(case)
    yield Finding(
        RULE.code,
        Severity.ERROR,
        f"torch {build.torch} for {build.build} has no code for {', '.join(map(str, missing))}: "
        f"it was compiled for {' '.join(map(str, build.archs))}",
        f"take another build: {fix[0]}" if fix else "no build of this torch serves all GPUs here: compatmatrix explain",
        fix=fix,
        packages=("torch",),
        evidence=(build.evidence,),
    )


def _by_older_ptx(case: Case, build: Build) -> Iterator[Finding]:
    gpus = served_by_older_ptx(build, case.host, case.system, case.matrix)
    if not gpus or case.observed.cuda_available is False:
        return
    fix = fix_with_other_build(case)
    newest = max(arch for arch in build.archs if arch.ptx)
    yield Finding(
        RULE.code,
        Severity.WARNING,
        f"torch {build.torch} for {build.build} has no machine code for {', '.join(map(str, gpus))}, "
        f"only PTX of an older generation ({newest}): the driver translates it at first use, which takes minutes, "
        "and libraries such as cuDNN, cuBLAS and NCCL may have no kernels for this GPU",
        f"take another build: {fix[0]}" if fix else "take a later torch where one fits: compatmatrix explain",
        fix=fix,
        packages=("torch",),
        evidence=(build.evidence,),
    )


RULE = Rule("arch-missing", "the build has no code for a GPU", Scope.HOST, check)
