"""The platform a lock is for, in the words of other tools."""

from __future__ import annotations

from compatmatrix.model.decision import Decision

_SYSTEMS = {"linux": "linux", "windows": "win32", "macos": "darwin"}
_MACHINES = {"windows": {"amd64": "AMD64", "arm64": "ARM64"}}
_CONDA = {
    "linux-x86_64": "linux-64",
    "linux-aarch64": "linux-aarch64",
    "windows-amd64": "win-64",
    "windows-arm64": "win-arm64",
    "macos-arm64": "osx-arm64",
    "macos-x86_64": "osx-64",
}


def marker(platform: str) -> str:
    """PEP 508: "sys_platform == 'linux' and platform_machine == 'x86_64'"; empty for a platform without a marker."""
    system, _, machine = platform.partition("-")
    if system not in _SYSTEMS:
        return ""
    machine = _MACHINES.get(system, {}).get(machine, machine)
    return f"sys_platform == '{_SYSTEMS[system]}' and platform_machine == '{machine}'"


def conda_platform(decision: Decision) -> str:
    """conda's name of the platform ("linux-64"); empty where it has none."""
    return _CONDA.get(decision.host.platform.value or "", "")


def applies(text: str, decision: Decision) -> bool:
    """Whether a marker holds on a decision's host. What of the host is not known holds."""
    if not text:
        return True
    from packaging.markers import Marker

    python, (system, _, machine) = decision.host.python.value, (decision.host.platform.value or "").partition("-")
    if python is None or system not in _SYSTEMS:
        return True
    full = python.version.base_version
    return Marker(text).evaluate(
        {
            "python_version": f"{python.version.major}.{python.version.minor}",
            "python_full_version": full if full.count(".") > 1 else f"{full}.0",
            "implementation_version": full,
            "implementation_name": python.implementation,
            "platform_python_implementation": "CPython" if python.implementation == "cpython" else "",
            "sys_platform": _SYSTEMS[system],
            "platform_system": {"macos": "Darwin"}.get(system, system.title()),
            "platform_machine": _MACHINES.get(system, {}).get(machine, machine),
            "os_name": "nt" if system == "windows" else "posix",
            "platform_release": "",
            "platform_version": "",
            "extra": "",
        }
    )
