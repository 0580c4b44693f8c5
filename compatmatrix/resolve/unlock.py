"""What another driver, or another Python, would unlock: the same question asked again with each that matters."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from packaging.version import Version

from compatmatrix.errors import CompatmatrixError
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import version
from compatmatrix.model.decision import Decision
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Python
from compatmatrix.resolve.decide import decide
from compatmatrix.resolve.question import Question


class Unlocked(NamedTuple):
    """A newer driver and the decision it leads to."""

    driver: DriverVersion
    decision: Decision


def unlocked_by_driver(question: Question, matrix: Matrix, current: Version | None) -> Iterator[Unlocked]:
    """Drivers newer than the host's that lead to a newer torch, each with its decision, in ascending order.

    current: the torch that is decided with the host's own driver, None where nothing fits.
    """
    host = question.host
    if not host.gpus.value or host.driver.value is None:
        return
    for driver in _thresholds(question, matrix, host.driver.value):
        newer = replace(question, host=replace(host, driver=Fact.of(driver, "supposed")))
        decision = decide(newer, matrix)
        if not isinstance(decision, Decision):
            continue
        torch = decision.stack.release("torch")
        if decision.build != "cpu" and torch is not None and (current is None or torch > current):
            current = torch
            yield Unlocked(driver, decision)


def unlocked_by_python(question: Question, matrix: Matrix) -> Decision | None:
    """The decision for the nearest other Python that any stack fits; None for none, or where the host's is unknown."""
    python = question.host.python.value
    if python is None or question.others:
        return None
    for other in sorted(pythons(matrix), key=lambda one: abs(one.version.minor - python.version.minor)):
        if other.minor == python.minor:
            continue
        try:
            decision = decide(replace(question, host=replace(question.host, python=Fact.of(other, "supposed"))), matrix)
        except CompatmatrixError:
            continue
        if isinstance(decision, Decision):
            return decision
    return None


def pythons(matrix: Matrix) -> list[Python]:
    """Every Python that any build is for, newest first; free-threaded ones are left out."""
    minors = {minor for builds in matrix.builds.values() for build in builds for minor in build.pythons}
    plain = sorted((minor for minor in minors if not minor.endswith("t")), key=version, reverse=True)
    return [Python.parse(minor) for minor in plain]


def _thresholds(question: Question, matrix: Matrix, driver: DriverVersion) -> list[DriverVersion]:
    system = question.host.driver_system
    found = {family.drivers[system] for family in matrix.families.values() if system in family.drivers}
    capabilities = [matrix.capabilities.get(gpu.capability) for gpu in question.host.gpus.value or () if gpu.capability]
    last = min((row.last_driver for row in capabilities if row and row.last_driver), default=None)
    found |= {DriverVersion(str(row.first_driver)) for row in capabilities if row and row.first_driver}
    return sorted(v for v in found if v > driver and (last is None or v.major <= last))
