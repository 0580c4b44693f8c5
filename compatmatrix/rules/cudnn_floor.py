"""The build has code for a GPU, but its cuDNN has none: elementwise work runs, the first convolution fails.

A release that PyTorch published so is a warning: it trains with cuDNN switched off, slowly. It is an error where
another cuDNN was installed over the build's own, or where a failure was seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from packaging.version import Version

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import Build, CudnnFloor
from compatmatrix.model.cuda import Capability
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.host import Gpu
from compatmatrix.rules.case import Case, Rule, Scope
from compatmatrix.rules.coverage import serves, usable_gpus

_SIGNS = ("cudnn-failure", "cudnn-not-initialized")


def check(case: Case) -> Iterator[Finding]:
    build, host = case.build, case.host
    if build is None or build.cuda is None or not host.gpus.value:
        return
    name = f"nvidia-cudnn-cu{build.cuda.major}"
    installed = case.stack.release(name)
    cudnn = installed or build.cudnn
    if cudnn is None:
        return
    foreign = installed is not None and build.cudnn is not None and installed != build.cudnn
    for gpu in dict.fromkeys(usable_gpus(host, case.matrix)):
        floor = lacking(cudnn, build, gpu.capability, case.matrix) if gpu.capability else None
        if floor and gpu.capability and serves(build, gpu.capability, host.driver.value, case.system, case.matrix):
            failed = foreign or case.observed.sign(*_SIGNS) is not None
            yield _finding(case, build, cudnn, gpu, floor, Severity.ERROR if failed else Severity.WARNING, foreign)


def _finding(
    case: Case, build: Build, cudnn: Version, gpu: Gpu, floor: CudnnFloor, severity: Severity, foreign: bool
) -> Finding:
    name = f"nvidia-cudnn-cu{floor.cuda}"
    whose = "is installed over torch's own and" if foreign else f"of torch {build.torch} for {build.build}"
    if foreign:
        hint = f"put back the cuDNN that torch {build.torch} asks for"
    else:
        last = last_with_cudnn(gpu, case.host.platform.value or "", case.system, case.matrix)
        older = f"torch {last.torch} ({last.build}) is the last whose cuDNN has; or " if last else ""
        hint = f"{older}train without cuDNN, slowly: torch.backends.cudnn.enabled = False"
    return Finding(
        RULE.code,
        severity,
        f"cuDNN {cudnn} {whose} has no kernels for {gpu}: from {floor.version} on, cuDNN for CUDA {floor.cuda} "
        f"begins at {floor.capability}, so convolutions fail",
        hint,
        fix=(f"{name}=={build.cudnn}",) if foreign else (),
        packages=("torch", name) if foreign else ("torch",),
        evidence=(floor.evidence, build.evidence),
    )


@lru_cache(maxsize=16384)
def lacking(cudnn: Version, build: Build, gpu: Capability, matrix: Matrix) -> CudnnFloor | None:
    """The floor of a cuDNN that a GPU lies below; None where it has kernels, or nobody knows."""
    floor = matrix.cudnn_floor(cudnn, build.cuda.major) if build.cuda else None
    return floor if floor and gpu < floor.capability else None


@lru_cache(maxsize=1024)
def last_with_cudnn(gpu: Gpu, platform: str, system: str, matrix: Matrix) -> Build | None:
    """The newest build with code for a GPU whose cuDNN is known to have kernels for it, too; None for none."""
    capability = gpu.capability
    if capability is None:
        return None
    for torch in matrix.torches:
        for build in matrix.builds_for(torch, platform):
            if (
                build.cudnn
                and serves(build, capability, None, system, matrix)
                and lacking(build.cudnn, build, capability, matrix) is None
            ):
                return build
    return None


RULE = Rule("arch-missing", "cuDNN has no kernels for a GPU that the build itself serves", Scope.HOST, check)
