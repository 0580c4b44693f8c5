"""The platform a lock is for, in the words of other tools."""

from __future__ import annotations

from compatmatrix.model import target
from compatmatrix.model.decision import Decision
from compatmatrix.model.target import Target

_CONDA = {
    "linux-x86_64": "linux-64",
    "linux-aarch64": "linux-aarch64",
    "windows-amd64": "win-64",
    "windows-arm64": "win-arm64",
    "macos-arm64": "osx-arm64",
    "macos-x86_64": "osx-64",
}


def conda_platform(decision: Decision) -> str:
    """conda's name of the platform ("linux-64"); empty where it has none."""
    return _CONDA.get(decision.host.platform.value or "", "")


def applies(marker: str, decision: Decision) -> bool:
    """Whether a marker holds on a decision's host. What of the host is not known holds."""
    return target.applies(marker, Target.of(decision.host)) is not False
