"""The host that a report tells of."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from packaging.version import InvalidVersion

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.cuda import Capability, Cuda
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import WSL, Gpu, Host, Libc, Python
from compatmatrix.probe.platform import platform_name
from compatmatrix.probe.reports.names import capability_of, is_tegra, libc_of, machine_of, system_of
from compatmatrix.probe.reports.seen import Seen, Trust
from compatmatrix.probe.reports.text import Line

T = TypeVar("T")

_NOT_TOLD = "the report does not say"


def host_of(seen: Sequence[Seen], lines: Sequence[Line], matrix: Matrix) -> tuple[Host, tuple[str, ...]]:
    """The host, each fact with its line as origin; and notes. A platform that nobody names is assumed: linux-x86_64."""
    seen = _without_targets(seen)
    notes: list[str] = []
    driver: Fact[DriverVersion] = _first(seen, "driver", _driver)
    branch = next((one for one in seen if one.fact == "driver" and re.fullmatch(r"\d{3}", one.value)), None)
    if branch and not driver.known:
        driver = Fact.unknown(f"line {branch.line} names only its branch, {branch.value}")
    offered: Fact[Cuda] = _first(seen, "driver-cuda", Cuda.parse)
    python: Fact[Python] = _first(seen, "python", Python.parse)
    platform, libc = _platform(seen)
    marks = []
    if any("wsl" in one.value.lower() or "microsoft-standard" in one.value.lower() for one in seen if one.fact == "os"):
        marks.append(WSL)
    if any(one.fact == "mig" for one in seen) or any("MIG" in one.value for one in seen if one.fact == "gpu"):
        marks.append("MIG")
    gpus = _gpus(seen, matrix)
    if any(is_tegra(one.value) for one in seen if one.fact in ("os", "gpu")):
        marks.append("Jetson")
    bits = any(one.fact == "machine" and machine_of(one.value) for one in seen)
    if not bits and any(re.search("raspb", one.value, re.IGNORECASE) for one in seen if one.fact == "os"):
        marks.append("Raspberry Pi")  # of which nobody says whether its system has 64 bits
    if not platform.known:
        marks.append("Mac")  # of which nobody says whose processor it has
    return Host(python, platform, libc, driver, gpus, offered, tuple(marks)), tuple(notes)


def _without_targets(seen: Sequence[Seen]) -> Sequence[Seen]:
    """Without a Jetson that a sentence names beside another GPU or a driver: the model is to run there later."""
    if any(one.fact == "driver" or (one.fact == "gpu" and not is_tegra(one.value)) for one in seen):
        return [one for one in seen if not (one.fact == "os" and one.value == "Jetson")]
    return seen


def _first(seen: Sequence[Seen], fact: str, read: Callable[[str], T]) -> Fact[T]:
    found = sorted((one for one in seen if one.fact == fact and not one.package), key=lambda one: -one.trust)
    for one in found:
        try:
            return Fact.of(read(one.value), f"line {one.line}")
        except (ValueError, InvalidVersion):
            continue
    return Fact.unknown(_NOT_TOLD)


def _driver(text: str) -> DriverVersion:
    """A driver's version. A bare branch ("535") is none: it may lie on either side of a floor. Raises ValueError."""
    if "." not in text:
        raise ValueError(text)
    return DriverVersion(text)


def _platform(seen: Sequence[Seen]) -> tuple[Fact[str], Fact[Libc]]:
    systems = sorted((one for one in seen if one.fact in ("os", "platform")), key=lambda one: -one.trust)
    system, origin = "", ""
    for one in systems:
        system = system_of(one.value)
        if system:
            origin = f"line {one.line}"
            break
    texts = [one.value for one in seen if one.fact == "machine"] + [one.value for one in systems]
    texts += [one.value for one in seen if one.fact == "gpu"]
    machine = next((found for text in texts if (found := machine_of(text))), "")
    libcs = sorted((one for one in seen if one.fact == "libc"), key=lambda one: -one.trust) + systems
    images = [one for one in seen if one.fact == "image"]
    if all("alpine" in one.value for one in images):  # beside others, the small ones are caches and proxies
        libcs += images
    libc_seen = next(((told, one.line) for one in libcs if (told := libc_of(one.value))), None)
    libc: Fact[Libc] = Fact.of(libc_seen[0], f"line {libc_seen[1]}") if libc_seen else Fact.unknown(_NOT_TOLD)
    if not system and libc.value and libc.value.kind in ("glibc", "musl"):
        system, origin = "linux", libc.origin
    if not system and machine:
        system, origin = "linux", "assumed"
    if not system:
        return Fact.of("linux-x86_64", "assumed"), libc
    if not machine and system == "macos":
        return Fact.unknown("the report does not say whether this Mac has an Intel or an Apple processor"), libc
    name = platform_name({"windows": "win32", "macos": "darwin"}.get(system, system), machine or "x86_64")
    return Fact.of({"windows-i686": "windows-x86"}.get(name, name), origin), libc


def _gpus(seen: Sequence[Seen], matrix: Matrix) -> Fact[tuple[Gpu, ...]]:
    capabilities = [
        Capability.parse(one.value)
        for one in seen
        if one.fact == "capability" and re.fullmatch(r"\d{1,2}\.\d", one.value)
    ]
    named = [one for one in seen if one.fact == "gpu"]
    sure = [one for one in named if one.trust > Trust.PROSE] or named
    found: dict[str, Gpu] = {}
    origin = ""
    for one in sure:
        name = re.sub(r"\s+", " ", one.value).strip()
        capability = capability_of(name, matrix)
        if not capability and not re.search(
            r"nvidia|geforce|tesla|quadro|titan|[rg]tx|jetson|\bgb?\d|gpu|[avhptk]\d{2,4}", name, re.IGNORECASE
        ):
            continue
        short = re.sub(r"^(?:NVIDIA |GeForce |Tesla )+|\s?\(.*$|\.\.\..*$", "", name).lower()
        known = next((key for key in found if key.startswith(short) or short.startswith(key)), None)
        if known is None or (found[known].capability is None and capability):
            found.pop(known or "", None)
            found[short] = Gpu(name, capability)
            origin = origin or f"line {one.line}"
    only = set(capabilities)
    if len(only) == 1 and len(found) == 1:
        found = {key: gpu._replace(capability=gpu.capability or capabilities[0]) for key, gpu in found.items()}
    if found:
        return Fact.of(tuple(found.values()), origin)
    if capabilities:
        return Fact.of(tuple(Gpu(f"GPU of capability {cc}", cc) for cc in dict.fromkeys(capabilities)), "capability")
    none = next((one for one in seen if one.fact == "no-gpu"), None)
    if none and not any(one.fact in ("driver", "driver-cuda") for one in seen):
        return Fact.of((), f"line {none.line}")
    return Fact.unknown(_NOT_TOLD)
