"""Findings of a report that its other facts speak against: kept as warnings, never as errors.

A report tells of a machine as it is, in words of people. What it shows to work is not refuted by what a table says.
"""

from __future__ import annotations

from collections.abc import Sequence

from packaging.version import Version

from compatmatrix.matrix.rows import admits
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case
from compatmatrix.rules.coverage import unserved
from compatmatrix.rules.not_offered import FIRST_WHEELS
from compatmatrix.rules.torchvision_stated import pairs

_PARTNER_FAILS = (
    "nms-missing", "torchvision-symbol", "torchvision-imports-torch", "torchvision-cuda-major", "nms-backend",
    "torchaudio-symbol", "extension-symbol", "dll-failed",
)  # fmt: skip
_ARCH_FAILS = (
    "no-kernel-image", "sm-not-compatible", "gpu-too-old", "min-capability", "cudnn-failure", "cudnn-not-initialized",
    "invalid-device-function", "triton-gpu-too-old", "ptxas-arch",
)  # fmt: skip
_NO_WHEEL = ("platform-unsupported", "python-unsupported", "glibc-too-old")
_NO_CUDA = ("driver-too-old", "cpu-build-on-gpu", "container-driver")


def without_echoes(case: Case, findings: Sequence[Finding]) -> list[Finding]:
    """The findings, each code and set of packages once; those that the report refutes as warnings."""
    kept: dict[tuple[str, tuple[str, ...], Severity], Finding] = {}
    for finding in findings:
        if finding.severity is Severity.UNKNOWN and finding.code == "driver-too-old" and case.observed.cuda_available:
            continue  # whatever the driver is, it runs this torch
        if finding.severity is Severity.ERROR and (_refuted(case, finding) or _is_open(case, finding)):
            finding = finding._replace(severity=Severity.WARNING)
        key = finding.code, tuple(sorted(finding.packages)), finding.severity
        kept.setdefault(key, finding)
    return list(kept.values())


def _refuted(case: Case, finding: Finding) -> bool:
    if finding.code in _NO_WHEEL:
        return _is_installed(case, finding)
    if finding.code == "cpu-build-on-gpu" and _ran_on_gpu(case):
        return True
    if finding.code in _NO_CUDA:
        return case.observed.cuda_available is True
    if finding.code in ("torchvision-mismatch", "torchaudio-mismatch") and _is_near(case, finding):
        return True
    if finding.code == "torchvision-mismatch":
        return _is_shadowed(case)
    if finding.code == "arch-missing":
        return _is_spare(case)
    return False


def _ran_on_gpu(case: Case) -> bool:
    """Whether a torch whose build nobody states has failed on the GPU: then it is no CPU build."""
    pin = case.stack.get("torch")
    unstated = pin is not None and pin.flavour is None and not case.observed.torch_cpu
    return unstated and case.observed.sign("no-kernel-image", "sm-not-compatible", "gpu-too-old", "cc-list") is not None


def _is_open(case: Case, finding: Finding) -> bool:
    """Whether a torch that a sentence names without its build may be another build, which serves the GPUs; and no text
    says that one is not served."""
    pin, platform = case.stack.get("torch"), case.host.platform.value
    if not case.observed.build_open or finding.code != "arch-missing" or pin is None or pin.flavour or platform is None:
        return False
    if case.observed.archs or case.observed.sign(*_ARCH_FAILS):
        return False
    builds = case.matrix.builds_for(pin.release, platform)
    return any(
        build.cuda and build.archs_known and not unserved(build, case.host, case.system, case.matrix)
        for build in builds
    )


def _is_near(case: Case, finding: Finding) -> bool:
    """Whether a partner was made for another patch release of the torch that is there, and nothing says that it fails:
    their compiled interfaces are the same within a minor release."""
    name = finding.code.removesuffix("-mismatch")
    torch, partner = case.stack.get("torch"), case.stack.release(name)
    if torch is None or partner is None or case.observed.sign(*_PARTNER_FAILS) or "requested" in torch.origin:
        return False
    if any(conflict.owner == name for conflict in case.observed.conflicts):
        return False
    if torch.flavour and (other := case.stack[name].flavour) and other != torch.flavour:
        return False
    if pairs_with(case, name, torch.release, partner):
        return False  # the finding is not about the releases
    return any(
        row.release[:2] == torch.release.release[:2] and pairs_with(case, name, row, partner)
        for row in case.matrix.torches
    )


def pairs_with(case: Case, name: str, torch: Version, partner: Version) -> bool:
    """Whether a partner's release works with a torch release, by the matrix."""
    rows = case.matrix.torchvisions if name == "torchvision" else case.matrix.torchaudios
    row = rows.get(partner)
    return row is not None and admits(row.torch, torch)


def _is_spare(case: Case) -> bool:
    """Whether CUDA works, another GPU of the machine is served, and no text says that one is not: the card that is
    not served then drives the screen."""
    build = case.build
    if build is None or not case.observed.cuda_available or case.observed.archs:
        return False
    if case.observed.sign(*_ARCH_FAILS):
        return False
    known = [gpu for gpu in dict.fromkeys(case.host.gpus.value or ()) if gpu.capability]
    left = unserved(build, case.host, case.system, case.matrix)
    return 0 < len(left) < len(known)


def _is_installed(case: Case, finding: Finding) -> bool:
    """Whether the packages of a finding are there all the same, built by somebody else than PyTorch. What an index
    did not offer is another release, or is for another Python, than the one that is there."""
    offered, asked = case.observed.offered, {pin.release for pin in case.observed.requested if pin.name == "torch"}
    if offered is not None and finding.packages == ("torch",):
        nothing = not any(version >= FIRST_WHEELS for version in offered)
        if nothing or (asked and case.stack.release("torch") not in asked):
            return False
    pins = [case.stack[name] for name in finding.packages if name in case.stack and not name.startswith("nvidia-")]
    return bool(pins) and not any("requested" in pin.origin for pin in pins)


def _is_shadowed(case: Case) -> bool:
    """Whether torchvision fits another copy of torch: that there are two is the cause then, unless a text says that
    torchvision itself fails."""
    vision = case.stack.release("torchvision")
    other = next((copy for copy in case.observed.copies if copy.name == "torch"), None)
    if case.observed.sign("nms-missing", "torchvision-symbol", "torchvision-imports-torch"):
        return False
    return bool(other and vision and pairs(other.release, vision, case))
