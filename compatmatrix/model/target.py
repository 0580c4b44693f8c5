"""The machine that installs, as environment markers see it (PEP 508), and what of it is known."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from compatmatrix.model.host import Host, Python

# os_name, sys_platform, platform_system.
_SYSTEMS = {
    "linux": ("posix", "linux", "Linux"),
    "windows": ("nt", "win32", "Windows"),
    "macos": ("posix", "darwin", "Darwin"),
}
_WINDOWS_MACHINES = {"amd64": "AMD64", "arm64": "ARM64"}
_PLATFORMS = ("linux-x86_64", "linux-aarch64", "windows-amd64", "macos-arm64", "macos-x86_64")
_MINORS = range(6, 30)


class Target(NamedTuple):
    """python and platform ("linux-x86_64") of the machine that installs; None where not known."""

    python: Python | None = None
    platform: str | None = None

    @classmethod
    def of(cls, host: Host) -> Target:
        """That of a host."""
        return cls(host.python.value, host.platform.value)


def platform_marker(platform: str) -> str:
    """PEP 508: "sys_platform == 'linux' and platform_machine == 'x86_64'"; empty for a platform without a marker."""
    system, _, machine = platform.partition("-")
    if system not in _SYSTEMS:
        return ""
    return f"sys_platform == '{_SYSTEMS[system][1]}' and platform_machine == '{_machine(system, machine)}'"


def applies(marker: str, target: Target) -> bool | None:
    """Whether an environment marker holds; None where what is not known would decide, or where it cannot be read.

    What is not known is tried out: a marker that gives the same answer for every Python and platform is decided.
    """
    return _applies(marker, target) if marker else True


@lru_cache(maxsize=4096)
def _applies(marker: str, target: Target) -> bool | None:
    if "platform_release" in marker or "platform_version" in marker:
        return None
    from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

    try:
        parsed = Marker(marker)
        if "extra" in marker or "group" in marker:
            # Which extras and groups were asked for is not known.
            answers = {
                parsed.evaluate({**environment, "extra": extra})
                for environment in _environments(target)
                for extra in ("", "no-such-extra")
            }
            return answers == {True} or None
        answers = {parsed.evaluate(environment) for environment in _environments(target)}
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, KeyError, TypeError, ValueError):
        return None
    return answers.pop() if len(answers) == 1 else None


def _environments(target: Target) -> Iterator[dict[str, str]]:
    implementation = target.python.implementation if target.python else "cpython"
    for platform in (target.platform,) if target.platform else _PLATFORMS:
        system, _, machine = platform.partition("-")
        os_name, sys_platform, platform_system = _SYSTEMS.get(system, ("posix", system, system.capitalize()))
        for minor, full in _pythons(target.python):
            yield {
                "os_name": os_name,
                "sys_platform": sys_platform,
                "platform_system": platform_system,
                "platform_machine": _machine(system, machine),
                "platform_python_implementation": {"cpython": "CPython", "pypy": "PyPy"}.get(implementation, ""),
                "implementation_name": implementation,
                "implementation_version": full,
                "python_version": minor,
                "python_full_version": full,
                "extra": "",
            }


def _pythons(python: Python | None) -> list[tuple[str, str]]:
    """python_version and python_full_version of the Python, or of all."""
    if python is None:
        return [(f"3.{minor}", f"3.{minor}.0") for minor in _MINORS]
    version = python.version
    full = version.base_version if version.release[2:] else f"{version.base_version}.0"
    return [(f"{version.major}.{version.minor}", full)]


def _machine(system: str, machine: str) -> str:
    return _WINDOWS_MACHINES.get(machine, machine) if system == "windows" else machine
