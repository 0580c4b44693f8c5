"""Environment markers for a machine that is known, half known or not known at all."""

from __future__ import annotations

import pytest
from packaging.markers import Marker

from compatmatrix.model.host import Python
from compatmatrix.model.target import Target, applies, platform_marker

ANY = Target()
LINUX = Target(Python.parse("3.11.4"), "linux-x86_64")


@pytest.mark.parametrize(
    ("marker", "target", "answer"),
    [
        ("", ANY, True),
        ("python_version >= '3'", ANY, True),
        ("python_version < '3'", ANY, False),
        ("python_version < '3.10'", ANY, None),
        ("python_version < '3.10'", LINUX, False),
        ("python_full_version >= '3.11.4'", LINUX, True),
        ("sys_platform == 'linux'", ANY, None),
        ("sys_platform == 'linux'", LINUX, True),
        ("platform_machine == 'x86_64' and os_name == 'posix'", LINUX, True),
        ("platform_machine == 'aarch64'", LINUX, False),
        ("sys_platform == 'win32' and platform_machine == 'AMD64'", Target(None, "windows-amd64"), True),
        ("implementation_name == 'pypy'", ANY, False),
        ("extra == 'gpu'", LINUX, None),
        ("nonsense", LINUX, None),
    ],
)
def test_markers(marker: str, target: Target, answer: bool | None) -> None:
    assert applies(marker, target) is answer


def test_the_implementation_is_that_of_the_interpreter() -> None:
    pypy = Target(LINUX.python._replace(implementation="pypy") if LINUX.python else None, "linux-x86_64")
    assert applies("platform_python_implementation == 'PyPy'", pypy) is True
    assert applies("implementation_name == 'cpython'", pypy) is False


def test_what_nobody_can_know_is_not_taken_from_this_machine() -> None:
    assert applies("platform_release >= '5'", LINUX) is None
    assert applies("platform_version == ''", LINUX) is None


@pytest.mark.parametrize("platform", ["linux-x86_64", "linux-aarch64", "windows-amd64", "windows-arm64", "macos-arm64"])
def test_a_platforms_own_marker_holds_there_and_nowhere_else(platform: str) -> None:
    marker = platform_marker(platform)
    Marker(marker)
    for other in ("linux-x86_64", "linux-aarch64", "windows-amd64", "windows-arm64", "macos-arm64", "macos-x86_64"):
        assert applies(marker, Target(None, other)) is (other == platform)


def test_a_platform_without_a_marker() -> None:
    assert platform_marker("plan9-mips") == ""
