"""What the rules say of every build, asked beforehand for every capability, driver and Python: the page holds answers.

The page has no rules of its own. Builds of the same architectures, CUDA, cuDNN and platform are judged alike, and a
driver only matters where it passes one of the matrix's thresholds, so a few thousand questions stand for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from packaging.version import Version

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import Build
from compatmatrix.model.cuda import Capability
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.fact import Fact
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.host import Gpu, Host, Python
from compatmatrix.model.stack import Pin, Stack
from compatmatrix.page.strings import Strings
from compatmatrix.resolve.candidates import TorchCandidate, with_build
from compatmatrix.resolve.judgement import HOST_RULES, objections_of_versions
from compatmatrix.rules import Case
from compatmatrix.rules.case import driver_floor

NEVER, UNUSED, UNKNOWN = -1, -2, -3
"""Why no driver makes a build run: no code for the GPU, a CPU build beside a GPU, architectures not known."""

_KINDS = {"arch-missing": NEVER, "cpu-build-on-gpu": UNUSED}
_ASIDE = "not looked at"
_MUTE: Fact[Any] = Fact.unknown(_ASIDE)


def platforms(matrix: Matrix, strings: Strings) -> dict[str, Any]:
    """For each platform its builds and what the rules say of them.

    drivers: the thresholds. keys: for each way to be judged and each capability the index of the first driver that
    runs it, or a reason why none does. warnings: for some of them what is said all the same. builds: as in `_row`.
    """
    return {platform: _platform(matrix, platform, strings) for platform in _in_order(matrix)}


def _in_order(matrix: Matrix) -> list[str]:
    found = [build.platform for builds in matrix.builds.values() for build in builds]
    return sorted(set(found), key=lambda platform: -found.count(platform))


def _platform(matrix: Matrix, platform: str, strings: Strings) -> dict[str, Any]:
    drivers = _thresholds(matrix, platform.partition("-")[0])
    capabilities = list(matrix.capabilities)
    keys: dict[tuple[Any, ...], int] = {}
    judged: list[list[int]] = []
    warned: dict[str, int] = {}
    rows = []
    for number, torch in enumerate(matrix.torches):
        for build in matrix.builds_for(torch, platform):
            key = build.build, build.archs, str(build.cudnn)
            if key not in keys:
                keys[key] = len(judged)
                answers = [_first_driver(matrix, build, capability, drivers) for capability in capabilities]
                judged.append([first for first, _ in answers])
                for place, (_, warning) in enumerate(answers):
                    if warning:
                        warned[f"{keys[key]},{place}"] = strings.add(warning)
            rows.append(_row(matrix, number, build, keys[key], strings))
    return {"drivers": [str(driver) for driver in drivers], "keys": judged, "warnings": warned, "builds": rows}


def _row(matrix: Matrix, torch: int, build: Build, key: int, strings: Strings) -> list[int]:
    """Torch, tag, from PyPI, Pythons, floor of the C library, key, architectures, driver floor."""
    floor = driver_floor(build.cuda, build.platform.partition("-")[0], matrix) if build.cuda else None
    return [
        torch,
        strings.add(build.build),
        int(build.index == "pypi"),
        strings.add(" ".join(build.pythons)),
        strings.add(f"{build.libc.kind} {build.libc.major}.{build.libc.minor}" if build.libc else ""),
        key,
        strings.add(" ".join(map(str, build.archs))),
        strings.add(str(floor or "")),
    ]


def _thresholds(matrix: Matrix, system: str) -> list[DriverVersion]:
    """The drivers from which on an answer may change, the lowest standing for all below them."""
    drivers = [row.drivers for row in matrix.families.values()] + [row.drivers for row in matrix.cudas.values()]
    found = {each[system] for each in drivers if system in each}
    found |= {DriverVersion(str(row.first_driver)) for row in matrix.capabilities.values() if row.first_driver}
    return [DriverVersion("1"), *sorted(found)]


def _first_driver(
    matrix: Matrix, build: Build, capability: Capability, drivers: Sequence[DriverVersion]
) -> tuple[int, str]:
    """The place of the first driver that runs a build on a GPU, or a reason; and what is said where it runs."""
    findings = partial(_findings, matrix, build, capability)
    against = list(_against(findings(drivers[-1])))
    if against:
        unknown = all(finding.severity is Severity.UNKNOWN for finding in against)
        return UNKNOWN if unknown else next(_KINDS.get(finding.code, NEVER) for finding in against), ""
    # Once a driver is new enough, a newer one is, too: halving finds the first.
    low, high = 0, len(drivers) - 1
    while low < high:
        middle = (low + high) // 2
        if any(_against(findings(drivers[middle]))):
            low = middle + 1
        else:
            high = middle
    said = [finding.message for finding in findings(drivers[low]) if finding.severity is Severity.WARNING]
    # Builds of several releases share an answer, so it names none of them.
    return low, "; ".join(message.replace(f" of torch {build.torch} for {build.build}", "") for message in said)


def _against(findings: Sequence[Finding]) -> Iterator[Finding]:
    return (finding for finding in findings if finding.severity is not Severity.WARNING)


def _findings(matrix: Matrix, build: Build, capability: Capability, driver: DriverVersion) -> list[Finding]:
    gpus = (Gpu("GPU", capability),)
    # "detected": a page is asked about hosts as they are, and what drivers no longer list is said beside the answer.
    seen = "detected"
    host = Host(_MUTE, Fact.of(build.platform, seen), _MUTE, Fact.of(driver, seen), Fact.of(gpus, seen))
    stack = Stack([Pin("torch", build.full_version, build.build, "candidate")])
    case = Case(stack, host, matrix, build, advise=False)
    return [finding for rule in HOST_RULES for finding in rule.check(case)]


def pythons(matrix: Matrix) -> list[str]:
    """Every Python that any build has a wheel for, newest first."""
    found = {python for builds in matrix.builds.values() for build in builds for python in build.pythons}
    return sorted(found, key=lambda text: (Version(text.rstrip("t")), text.endswith("t")), reverse=True)


def versions(matrix: Matrix) -> list[list[str | None]]:
    """For each torch and Python the fastai releases that go with both and with torch's torchvision: "0-3,5", by their
    places, newest first; None where torch or torchvision does not go with the Python."""
    asked = pythons(matrix)
    return [[_fastais(matrix, torch, python) for python in asked] for torch in matrix.torches]


def _fastais(matrix: Matrix, torch: Version, python: str) -> str | None:
    build = next((build for build in matrix.builds.get(torch, ()) if python in build.pythons), None)
    if build is None:
        return None
    host = Host(Fact.of(Python.parse(python), "asked"), Fact.of(build.platform, "asked"), _MUTE, _MUTE, _MUTE)
    candidate = TorchCandidate(build, Stack(_family(matrix, build)))
    if objections_of_versions(candidate.stack, build, host, matrix):
        return None
    fitting = []
    for place, (release, row) in enumerate(matrix.fastais.items()):
        stack = Stack([*candidate.stack.values(), Pin("fastai", release, None, "candidate")])
        if not row.yanked and not objections_of_versions(stack, build, host, matrix):
            fitting.append(place)
    return _ranges(fitting)


def _family(matrix: Matrix, build: Build) -> list[Pin]:
    partner = matrix.partner("torchvision", build.torch)
    pins = [Pin("torch", build.full_version, build.build, "candidate")]
    if partner:
        pins.append(Pin("torchvision", with_build(partner.version, build), build.build, "candidate"))
    return pins


def _ranges(places: Sequence[int]) -> str:
    """ "0-3,5"."""
    parts: list[list[int]] = []
    for place in places:
        if parts and parts[-1][-1] == place - 1:
            parts[-1][1:] = [place]
        else:
            parts.append([place])
    return ",".join("-".join(map(str, part)) for part in parts)
