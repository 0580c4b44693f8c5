"""No code for a GPU, by what a report states: torch's own list, or the CUDA it was built with.

Used where the matrix does not know the build's architectures. A GPU that is older than what the toolkit can target,
or younger, has no code in any build of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.model.cuda import Arch, Capability
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope
from compatmatrix.rules.stated import toolkit_knows, toolkit_reaches, torch_cuda

_WARNINGS = ("sm-not-compatible", "gpu-too-old", "min-capability")
_CUDNN = ("cudnn-failure", "cudnn-not-initialized")


def served_by_list(archs: tuple[Arch, ...], gpu: Capability, *, ptx: bool) -> bool:
    """Whether one of the architectures that torch names runs on a GPU. ptx: whether PTX counts."""
    return any(
        (
            arch.capability <= gpu
            if arch.ptx
            else arch.capability.major == gpu.major and arch.capability.minor <= gpu.minor
        )
        for arch in archs
        if ptx or not arch.ptx
    )


def check(case: Case) -> Iterator[Finding]:
    observed = case.observed
    gpus = [gpu for gpu in dict.fromkeys(case.host.gpus.value or ()) if gpu.capability]
    if observed.archs:
        ptx = observed.sign(*_WARNINGS) is None
        for gpu in gpus:
            if gpu.capability and not served_by_list(observed.archs, gpu.capability, ptx=ptx):
                yield _finding(
                    case,
                    f"torch says that it was compiled for {' '.join(map(str, observed.archs))}: none runs on {gpu}",
                )
        return
    if case.build and case.build.archs_known:
        return
    built = torch_cuda(case)
    if built is None:
        return
    for gpu in gpus:
        if gpu.capability is None:
            continue
        if not toolkit_reaches(built.cuda, gpu.capability, case.matrix):
            yield _finding(case, f"torch built with CUDA {built.cuda} cannot have code for {gpu}")
        elif not toolkit_knows(built.cuda, gpu.capability, case.matrix) and observed.sign(*_CUDNN):
            yield _finding(
                case, f"CUDA {built.cuda} and its cuDNN are older than {gpu}: that they fail on it is no surprise"
            )


def _finding(case: Case, message: str) -> Finding:
    return Finding(
        RULE.code,
        Severity.ERROR,
        message,
        "take a build with code for this GPU: compatmatrix explain",
        packages=("torch",),
    )


RULE = Rule("arch-missing", "the stated build can have no code for a GPU", Scope.HOST, check)
