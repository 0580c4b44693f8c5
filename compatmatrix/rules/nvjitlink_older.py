"""nvJitLink is older than the CUDA libraries that call it: torch stops at its import with an undefined symbol.

cuSPARSE and cuSOLVER call functions of their own CUDA release (`__nvJitLinkComplete_12_4`), and their wheels ask for no
release of nvJitLink: an installer may leave an older one. Source: NVIDIA/cuvs pull request 1794; pytorch/pytorch issues
131312 and 140797.
"""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.model.cuda import Cuda
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope


def check(case: Case) -> Iterator[Finding]:
    torch = case.stack.get("torch")
    cuda = Cuda.from_tag(torch.flavour) if torch and torch.flavour else None
    if cuda is None:
        return
    # The wheels of later CUDAs have no suffix.
    for suffix in (f"-cu{cuda.major}", ""):
        linker, runtime, caller = (
            case.stack.get(f"nvidia-{name}{suffix}") for name in ("nvjitlink", "cuda-runtime", "cusparse")
        )
        if linker and runtime and caller and cuda.major == linker.release.major == runtime.release.major:
            wanted = f"{runtime.release.major}.{runtime.release.minor}"
            if linker.release.minor < runtime.release.minor:
                yield Finding(
                    RULE.code,
                    Severity.ERROR,
                    f"{linker.name} {linker.version} is older than {runtime.name} {runtime.version} and {caller.name} "
                    f"{caller.version} beside it: import torch stops at an undefined symbol of nvJitLink",
                    "install the nvJitLink of the same CUDA release",
                    fix=(f"{linker.name}=={wanted}.*",),
                    packages=("torch", linker.name),
                )


RULE = Rule("cuda-libs-conflict", "a CUDA library does not go with the others", Scope.VERSIONS, check)
