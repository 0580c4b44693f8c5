"""Findings of a report that its other facts speak against: kept as warnings, never as errors.

A report tells of a machine as it is, in words of people. What it shows to work is not refuted by what a table says.
"""

from __future__ import annotations

from collections.abc import Sequence

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case
from compatmatrix.rules.torchvision_stated import pairs

_NO_WHEEL = ("platform-unsupported", "python-unsupported", "glibc-too-old")
_NO_CUDA = ("driver-too-old", "cpu-build-on-gpu", "container-driver")


def without_echoes(case: Case, findings: Sequence[Finding]) -> list[Finding]:
    """The findings, each code and set of packages once; those that the report refutes as warnings."""
    kept: dict[tuple[str, tuple[str, ...], Severity], Finding] = {}
    for finding in findings:
        if finding.severity is Severity.ERROR and _refuted(case, finding):
            finding = finding._replace(severity=Severity.WARNING)
        key = finding.code, tuple(sorted(finding.packages)), finding.severity
        kept.setdefault(key, finding)
    return list(kept.values())


def _refuted(case: Case, finding: Finding) -> bool:
    if finding.code in _NO_WHEEL:
        return _is_installed(case, finding)
    if finding.code in _NO_CUDA:
        return case.observed.cuda_available is True
    if finding.code == "torchvision-mismatch":
        return _is_shadowed(case)
    return False


def _is_installed(case: Case, finding: Finding) -> bool:
    """Whether the packages of a finding are there all the same, built by somebody else than PyTorch."""
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
