"""The NVIDIA driver is older than the CUDA of the torch build, or than one of the GPUs, asks for."""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope, driver_floor, newest_cuda_of
from compatmatrix.rules.coverage import fix_with_other_build, meets


def check(case: Case) -> Iterator[Finding]:
    build, host = case.build, case.host
    if build is None or build.cuda is None or not host.has_gpu:
        return
    driver = host.driver.value
    if driver is None:
        yield Finding(
            RULE.code,
            Severity.UNKNOWN,
            f"cannot tell whether the driver runs CUDA {build.cuda}: {host.driver.reason}",
            "name the driver with --driver",
            packages=("torch",),
        )
        return
    floor = driver_floor(build.cuda, case.system, case.matrix)
    if floor is None:
        yield Finding(
            RULE.code,
            Severity.UNKNOWN,
            f"the driver that CUDA {build.cuda} needs on {case.system} is not in the matrix",
            packages=("torch",),
        )
    elif not meets(floor, build.cuda, host, case.matrix):
        newest = newest_cuda_of(driver, case.system, case.matrix)
        fix = fix_with_other_build(case)
        runs = f"this driver runs CUDA {newest} builds at most" if newest else "this driver runs no known CUDA build"
        named = f": {fix[0]}" if fix else ""
        other = "" if fix else "; no build of this torch fits, an older one may: compatmatrix explain"
        family = case.matrix.families.get(build.cuda.major)
        yield Finding(
            RULE.code,
            Severity.ERROR,
            f"driver {driver} is too old for torch {build.torch} built for CUDA {build.cuda}: "
            f"it needs {floor} or later",
            f"update the driver, or take another build{named} ({runs}){other}",
            fix=fix,
            packages=("torch",),
            evidence=(family.evidence,) if family else (),
        )
    for gpu in dict.fromkeys(host.gpus.value or ()):
        row = case.matrix.capabilities.get(gpu.capability) if gpu.capability else None
        if row and row.first_driver and driver.major < row.first_driver:
            yield Finding(
                RULE.code,
                Severity.ERROR,
                f"driver {driver} does not know the {gpu.name}: {row.name} needs R{row.first_driver} or later",
                "update the driver",
                evidence=(row.evidence,),
            )


RULE = Rule("driver-too-old", "the driver is older than the build or the GPU needs", Scope.HOST, check)
