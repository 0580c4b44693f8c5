"""For whom a file is read: what decides its environment markers, and what of it is known."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

from compatmatrix.model.host import Python

_SYSTEMS = {
    "linux": ("posix", "linux", "Linux"),
    "windows": ("nt", "win32", "Windows"),
    "macos": ("posix", "darwin", "Darwin"),
}
_MACHINES = {"amd64": "AMD64"}
_PLATFORMS = ("linux-x86_64", "linux-aarch64", "windows-amd64", "macos-arm64", "macos-x86_64")
_MINORS = range(6, 30)


class Target(NamedTuple):
    """python and platform ("linux-x86_64") of the machine that installs; None where not known."""

    python: Python | None = None
    platform: str | None = None


def applies(marker: str, target: Target) -> bool | None:
    """Whether an environment marker holds; None where what is not known would decide, or where it cannot be read.

    What is not known is tried out: a marker that gives the same answer for every Python and platform is decided.
    """
    if not marker:
        return True
    return _applies(marker, target)


@lru_cache(maxsize=4096)
def _applies(marker: str, target: Target) -> bool | None:
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
    if target.python:
        release = target.python.version.release
        pythons = [(f"{release[0]}.{release[1]}", ".".join(map(str, (*release, 0)[:3])))]
    else:
        pythons = [(f"3.{minor}", f"3.{minor}.0") for minor in _MINORS]
    for platform in (target.platform,) if target.platform else _PLATFORMS:
        system, _, machine = platform.partition("-")
        os_name, sys_platform, platform_system = _SYSTEMS.get(system, ("posix", system, system.capitalize()))
        for minor, full in pythons:
            yield {
                "os_name": os_name,
                "sys_platform": sys_platform,
                "platform_system": platform_system,
                "platform_machine": _MACHINES.get(machine, machine),
                "platform_python_implementation": "CPython",
                "implementation_name": "cpython",
                "implementation_version": full,
                "python_version": minor,
                "python_full_version": full,
                "extra": "",
            }
