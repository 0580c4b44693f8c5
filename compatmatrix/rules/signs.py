"""Error texts as evidence: what `data/tokens.toml` says that they imply, where the facts do not speak against it.

CUDA's error texts on a machine without an NVIDIA GPU, or with a torch for AMD's, are noise of a program that tried.
"""

from __future__ import annotations

from collections.abc import Iterator

from packaging.version import Version

from compatmatrix.matrix.rows import Build, admits
from compatmatrix.matrix.tokens import Token, load_tokens
from compatmatrix.model.cuda import Capability
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.observed import Sign
from compatmatrix.model.stack import Pin
from compatmatrix.rules.arch_stated import served_by_list
from compatmatrix.rules.case import Case
from compatmatrix.rules.coverage import serves
from compatmatrix.rules.stated import torch_cuda
from compatmatrix.rules.torchvision_stated import pairs


def implied(case: Case) -> Iterator[tuple[Sign, Token, Finding]]:
    """Each error text with the finding that it implies by itself. Symptoms without a code imply none."""
    tokens = load_tokens().tokens
    for sign in case.observed.signs:
        token = tokens.get(sign.name)
        if token is None or not token.code or not _needs_hold(token, case):
            continue
        if sign.name in ("no-match", "no-match-build") and case.observed.offered is not None:
            continue  # what the index did offer tells more
        severity = Severity.WARNING if _refuted(sign, token, case) else Severity.ERROR
        yield sign, token, Finding(
            token.code,
            severity,
            f"{token.means} (line {sign.line}: “{sign.text}”)",
            token.hint + (_releases(case) if token.code == "arch-missing" and "triton" not in token.packages else ""),
            packages=token.packages,
            evidence=(token.evidence,),
        )  # fmt: skip


def _releases(case: Case) -> str:
    """Which torch releases have code for the GPUs of the report, in words to be added; empty where unknown."""
    told = []
    for gpu in dict.fromkeys(case.host.gpus.value or ()):
        platform = case.host.platform.value
        if gpu.capability is None or platform is None or (case.build and serves_it(case, case.build, gpu.capability)):
            continue
        having = [
            torch
            for torch in case.matrix.torches
            if any(serves_it(case, build, gpu.capability) for build in case.matrix.builds_for(torch, platform))
        ]
        if having:
            span = f"{min(having)} to {max(having)}" if len(having) > 1 else f"{having[0]}"
            told.append(f"; torch {span} have builds with code for the {gpu}")
    return "".join(told)


def serves_it(case: Case, build: Build, capability: Capability) -> bool:
    """Whether a build with known architectures has code for a capability."""
    return build.cuda is not None and serves(build, capability, case.host.driver.value, case.system, case.matrix)


_NVIDIA = ("driver-too-old", "container-driver", "cpu-build-on-gpu", "cuda-libs-conflict")
_NO_DRIVER = ("no-driver", "cuda-unknown-error", "smi-no-communication", "nvml-missing")


def _is_cpu_build(case: Case) -> bool:
    pin = case.stack.get("torch")
    return case.observed.torch_cpu or bool(pin and pin.flavour == "cpu")


def _is_new_enough(case: Case) -> bool:
    """Whether the host's macOS meets the floor of every wheel in the matrix."""
    here = case.host.libc.value
    if here is None or here.kind != "macos":
        return False
    floors = [
        build.libc
        for torch in case.matrix.torches
        for platform in ("macos-arm64", "macos-x86_64")
        for build in case.matrix.builds_for(torch, platform)
        if build.libc
    ]
    return bool(floors) and here >= max(floors)


def _is_wish(pin: Pin) -> bool:
    """Whether a version is what was asked for: what is there then may be another one."""
    return pin.origin.endswith("requested")


def _has_wheels(case: Case) -> bool:
    """Whether the torch that was asked for has builds for the Python: conda's blame of it is then a wrong track."""
    python, release = case.host.python.value, case.stack.release("torch")
    if python is None or release is None:
        return False
    builds = case.matrix.builds_for(release, case.host.platform.value or "linux-x86_64")
    return any(python.minor in build.pythons for build in builds)


def _needs_hold(token: Token, case: Case) -> bool:
    for name, spec in token.needs.items():
        release: Version | None = case.stack.release(name)
        if release is None or not admits(spec, release):
            return False
    return True


def _refuted(sign: Sign, token: Token, case: Case) -> bool:
    """Whether the facts speak against what a text usually means."""
    host, torch, vision = case.host, case.stack.get("torch"), case.stack.get("torchvision")
    if sign.name in ("sm-not-compatible", "torch-lacks-arch"):
        gpus = [gpu.capability for gpu in host.gpus.value or () if gpu.capability]
        archs = case.observed.archs
        return bool(gpus and archs) and all(served_by_list(archs, gpu, ptx=False) for gpu in gpus)
    if sign.name == "program-lacks-gpu" and torch:
        return True  # then the versions decide
    if sign.name == "vllm-no-device" and (case.observed.amd or case.observed.cuda_available or host.has_gpu is False):
        return True
    if case.observed.rocm and (token.code in _NVIDIA or sign.name in _NO_DRIVER):
        return True
    if sign.name in _NO_DRIVER and case.observed.amd and not (host.has_gpu or host.driver.known):
        return True
    if sign.name in _NO_DRIVER and (case.observed.cuda_available or host.has_gpu is False or _is_cpu_build(case)):
        return True
    if sign.name == "nvml-missing" and ("Jetson" in host.notes or (host.platform.value or "").startswith("macos-")):
        return True  # neither has such a library
    if sign.name == "libcuda-symbol" and case.observed.cuda_available:
        return True  # a program that was not linked to the driver's library asks for the symbol as well
    if sign.name == "mps-macos":
        return _is_new_enough(case)
    if sign.name == "gpu-too-old" and case.observed.amd:
        return all(gpu.name.startswith("GPU of ") for gpu in host.gpus.value or ())
    if sign.name in ("conda-python", "no-match", "no-match-build"):
        return _has_wheels(case)
    if sign.name == "tcnn-without-cuda" and (case.observed.image or torch_cuda(case)):
        return True  # an image is built without a GPU; and a build that has CUDA is no CPU build
    if token.code == "cpu-build-on-gpu":
        if torch and (torch.version.local or "").startswith("xpu"):
            return True  # a build for Intel's GPUs has no CUDA either
        return host.has_gpu is False or (host.platform.value or "macos-").startswith("macos-")
    if sign.name == "nms-missing" and case.observed.sign("torchvision-from-hub"):
        return True  # the sources of torchvision that torch.hub puts first on the path have no operators
    if sign.name == "nms-missing" and torch and vision and not _is_wish(vision):
        same = torch.flavour == vision.flavour and bool(torch.version.local) == bool(vision.version.local)
        return same and pairs(torch.release, vision.release, case) is True
    return False
