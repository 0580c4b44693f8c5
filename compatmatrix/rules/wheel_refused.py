"""A wheel that is at hand and that the installer does not take: its tags against the Python and the platform told.

Source of the tags: PEP 425 and PEP 600. Where the report does not tell the host, the error text alone speaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.host import Libc
from compatmatrix.model.observed import Wheel
from compatmatrix.rules.case import Case, Rule, Scope

_MANYLINUX = re.compile(r"manylinux_(\d)_(\d{1,2})_")
_SYSTEMS = (("win", "windows"), ("macosx", "macos"), ("manylinux", "linux"), ("linux", "linux"))
_MACHINES = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "amd64": "x86_64"}


def check(case: Case) -> Iterator[Finding]:
    wheel = case.observed.refused
    if wheel is None:
        return
    python, platform, libc = case.host.python.value, case.host.platform, case.host.libc.value
    told = platform.value if platform.origin not in ("assumed", "") else None
    asks = f"{wheel.python[2]}.{wheel.python[3:].removesuffix('t')}"
    if told and not _is_made_for(wheel, told):
        yield _finding(
            "platform-unsupported", wheel, f"its name says {wheel.platform}, this is {told}",
            "take the wheel of this platform, or let pip choose it by the release's name",
        )  # fmt: skip
    elif python is not None and python.minor.removesuffix("t") != asks:
        yield _finding(
            "python-unsupported", wheel, f"it was made for Python {asks}, this is {python}",
            f"take the wheel for this Python, or make the environment with Python {asks}",
        )  # fmt: skip
    elif (floor := _MANYLINUX.search(wheel.platform)) and libc is not None and libc.kind == "glibc":
        asked = Libc("glibc", int(floor[1]), int(floor[2]))
        if libc < asked:
            yield _finding(
                "glibc-too-old", wheel, f"it asks for {asked}, this is {libc}",
                "use a newer system or a container, or a release whose wheels ask for less",
            )  # fmt: skip


def _is_made_for(wheel: Wheel, platform: str) -> bool:
    """Whether a wheel's platform tag is of the host's system and machine."""
    system, _, machine = platform.partition("-")
    here = next((name for start, name in _SYSTEMS if wheel.platform.startswith(start)), "")
    made = next((name for end, name in _MACHINES.items() if wheel.platform.endswith(end)), "")
    return here == system and (made == _MACHINES.get(machine, machine) or "universal2" in wheel.platform)


def _finding(code: str, wheel: Wheel, why: str, hint: str) -> Finding:
    message = f"the file of {wheel.name} {wheel.version} is refused (line {wheel.line}): {why}"
    return Finding(code, Severity.ERROR, message, hint, packages=(wheel.name,))


RULE = Rule("python-unsupported", "the installer refuses a wheel by its tags", Scope.HOST, check)
