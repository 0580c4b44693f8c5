"""What is asked for: the user's requirements, the host, and the preferences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from compatmatrix.errors import UsageError
from compatmatrix.matrix.matrix import TORCH_FAMILY
from compatmatrix.model.host import Host
from compatmatrix.model.stack import Pin, local_flavour, public

# Decided here rather than left to the resolver of the closure: the torch family and fastai.
CORE = (*TORCH_FAMILY, "fastai")


class Prefer(StrEnum):
    """proven: step back at most one torch minor for versions that were trained. newest: never."""

    PROVEN = "proven"
    NEWEST = "newest"


class IndexPolicy(StrEnum):
    """Where torch builds may come from. auto: wherever a fitting build is."""

    AUTO = "auto"
    PYPI = "pypi"
    PYTORCH = "pytorch"


@dataclass(frozen=True, slots=True)
class Question:
    """A request to decide a stack.

    requirements: as parsed, in the user's order. pytorch_index: base address that replaces the matrix's, for
    mirrors; empty for none. others: hosts of the same platform and Python that the stack must serve as well.
    constraints: limits on packages that level 1 does not decide, for the closure.
    """

    host: Host
    requirements: tuple[Requirement, ...] = ()
    index: IndexPolicy = IndexPolicy.AUTO
    prefer: Prefer = Prefer.PROVEN
    pytorch_index: str = ""
    others: tuple[Host, ...] = ()
    constraints: tuple[Requirement, ...] = ()

    def wanted(self, name: str) -> tuple[Requirement, ...]:
        """The user's requirements on one package."""
        return tuple(req for req in self.requirements if canonicalize_name(req.name) == name)

    def admits(self, name: str, version: Version) -> bool:
        """Whether the user's requirements admit a version. A requirement without a local part admits every build."""
        return all(req.specifier.contains(version, prereleases=True) for req in self.wanted(name))

    def names(self, name: str, version: Version) -> bool:
        """Whether the user pinned exactly this version (a yanked release is taken only then)."""
        return any(spec.operator in ("==", "===") for req in self.wanted(name) for spec in req.specifier) and (
            self.admits(name, version)
        )

    def for_host(self) -> Question:
        """The same question without those requirements on decided packages whose markers do not hold on the host."""
        environment = _environment(self.host)
        kept = tuple(
            req
            for req in self.requirements
            if req.marker is None or canonicalize_name(req.name) not in CORE or req.marker.evaluate(environment)
        )
        return replace(self, requirements=kept)

    @property
    def extras(self) -> tuple[Requirement, ...]:
        """Requirements on packages that level 1 does not decide."""
        return tuple(req for req in self.requirements if canonicalize_name(req.name) not in CORE)

    def pinned_extras(self) -> tuple[Pin, ...]:
        """Those extras that are pinned exactly: they are part of the stack that rules judge."""
        pins = []
        for req in self.extras:
            for spec in req.specifier:
                if spec.operator == "==" and not spec.version.endswith(".*"):
                    version = Version(spec.version)
                    name = canonicalize_name(req.name)
                    pins.append(Pin(name, public(version), local_flavour(version), "given"))
        return tuple(pins)


# What PEP 508 calls the platforms that the matrix knows.
_SYSTEMS = {
    "linux": ("linux", "Linux", "posix"),
    "macos": ("darwin", "Darwin", "posix"),
    "windows": ("win32", "Windows", "nt"),
}


def _environment(host: Host) -> dict[str, str]:
    """The marker environment of a host, as far as it is known."""
    system, _, machine = (host.platform.value or "").partition("-")
    found: dict[str, str] = {}
    if system in _SYSTEMS:
        found["sys_platform"], found["platform_system"], found["os_name"] = _SYSTEMS[system]
        found["platform_machine"] = machine.upper() if system == "windows" else machine
    if host.python.value:
        version = host.python.value.version
        found["python_version"] = f"{version.major}.{version.minor}"
        found["python_full_version"] = str(version) if version.release[2:] else f"{version}.0"
    return found


def parse_requirements(texts: Iterable[str]) -> tuple[Requirement, ...]:
    """The user's requirements. Raises UsageError listing every text that is not one."""
    requirements, problems = [], []
    for text in texts:
        try:
            requirements.append(Requirement(text))
        except InvalidRequirement as error:
            problems.append(f"{text!r} is not a requirement: {str(error).splitlines()[0]}")
    for requirement in requirements:
        if requirement.url and canonicalize_name(requirement.name) in CORE:
            problems.append(
                f"{str(requirement)!r}: {requirement.name} is decided by the matrix, which knows no addresses"
            )
    if problems:
        raise UsageError(problems, hint='write it as pip takes it, for example "torch<3" or "timm"')
    return tuple(requirements)
