"""A case: one stack on one host, and the matrix to judge it by."""

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from packaging.version import Version

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import Build
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.finding import Finding
from compatmatrix.model.host import Host
from compatmatrix.model.observed import NOTHING, Observed
from compatmatrix.model.stack import Pin, Stack


class Scope(Enum):
    """What a rule looks at: HOST rules at one torch build and the host; VERSIONS rules at versions and Python."""

    HOST = "host"
    VERSIONS = "versions"


class Case(NamedTuple):
    """What rules judge. build: the torch build as the matrix knows it, None where torch is absent or unknown.

    observed: what else was seen, such as error texts in a report. advise: whether findings should say what repairs
    them; looking for that costs time.
    """

    stack: Stack
    host: Host
    matrix: Matrix
    build: Build | None
    observed: Observed = NOTHING
    advise: bool = True

    @classmethod
    def of(cls, stack: Stack, host: Host, matrix: Matrix) -> "Case":
        """The case of an installed or pinned stack: its build is found by version, flavour and platform."""
        pin = stack.get("torch")
        build = find_build(pin, host.platform.value, matrix) if pin and host.platform.value else None
        return cls(stack, host, matrix, build)

    @property
    def system(self) -> str:
        """The system whose driver floors count: "linux", "windows"; empty where unknown."""
        return self.host.driver_system

    @property
    def torch(self) -> Version | None:
        return self.stack.release("torch")


def find_build(pin: Pin, platform: str, matrix: Matrix) -> Build | None:
    """The matrix's build behind an installed or pinned torch; without a flavour it is PyPI's own."""
    builds = matrix.builds_for(pin.release, platform)
    if pin.flavour is None:
        return matrix.default_build(pin.release, platform) if not pin.version.local else None
    fitting = [build for build in builds if build.build == pin.flavour]
    wanted = "pytorch" if pin.version.local else "pypi"
    return next((build for build in fitting if build.index == wanted), fitting[0] if fitting else None)


class Rule(NamedTuple):
    """One rule: a case in, findings out; it never prints, changes or exits.

    code: of its findings. summary: what it looks for, one line. scope: what its answer depends on. rejects: whether
    any of its findings can be an error or an unknown; rules that only warn are not asked about candidates.
    """

    code: str
    summary: str
    scope: Scope
    check: Callable[[Case], Iterator[Finding]]
    rejects: bool = True


def judge(case: Case, rules: Iterable[Rule]) -> tuple[Finding, ...]:
    """All findings of the given rules, in the rules' order."""
    return tuple(finding for rule in rules for finding in rule.check(case))


@lru_cache(maxsize=1024)
def newest_cuda_of(driver: DriverVersion, system: str, matrix: Matrix) -> Cuda | None:
    """The newest CUDA whose family floor a driver meets (NVIDIA's minor-version compatibility); None below all."""
    for cuda in matrix.cudas:
        floor = driver_floor(cuda, system, matrix)
        if floor is not None and driver >= floor:
            return cuda
    return None


@lru_cache(maxsize=1024)
def driver_floor(cuda: Cuda, system: str, matrix: Matrix) -> DriverVersion | None:
    """The oldest driver that runs a build of this CUDA: by family where there is one, else by release."""
    family = matrix.families.get(cuda.major)
    if family and system in family.drivers:
        return family.drivers[system]
    release = matrix.cudas.get(cuda)
    return release.drivers.get(system) if release else None
