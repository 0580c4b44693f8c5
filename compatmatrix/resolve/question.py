"""What is asked for: the user's requirements, the host, and the preferences."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name
from packaging.version import Version

from compatmatrix.errors import UsageError
from compatmatrix.matrix.matrix import TORCH_FAMILY
from compatmatrix.model.host import Host
from compatmatrix.model.stack import Pin, local_flavour, public
from compatmatrix.model.target import Target, applies

if TYPE_CHECKING:
    from packaging.requirements import Requirement

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
        target = Target.of(self.host)
        kept = tuple(
            req
            for req in self.requirements
            if req.marker is None
            or canonicalize_name(req.name) not in CORE
            or applies(str(req.marker), target) is not False
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


def parse_requirements(texts: Iterable[str]) -> tuple[Requirement, ...]:
    """The user's requirements. Raises UsageError listing every text that is not one."""
    texts = tuple(texts)
    if not texts:
        return ()  # without the reader of requirements, which takes a tenth of the whole answer's time to import
    from packaging.requirements import InvalidRequirement, Requirement

    requirements, problems = [], []
    for text in texts:
        try:
            requirements.append(Requirement(text))
        except InvalidRequirement as error:
            problems.append(f"{text!r} is not a requirement: {_why(text) or str(error).splitlines()[0]}")
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        meant = _MEANT.get(name) or next((core for core in CORE if core == name.replace("-", "") != name), None)
        if meant:
            problems.append(f"{str(requirement)!r}: the package is called {meant}")
        elif requirement.url and name in CORE:
            problems.append(
                f"{str(requirement)!r}: {name} is decided by the matrix, which knows no addresses: ask for a release"
            )
    if problems:
        raise UsageError(problems, hint='write it as pip takes it, for example "torch<3" or "timm"')
    return tuple(requirements)


_MEANT = {"pytorch": "torch"}
"""What conda calls it. PyPI has a package of that name that only says so and fails."""


def _why(text: str) -> str:
    """What a text is, where it is no requirement but something that pip takes elsewhere; empty for none."""
    if re.match(r"(?:git|hg|svn|bzr)\+|(?:https?|file|ssh)://", text):
        return "an address alone; name the package: NAME @ ADDRESS"
    if text.startswith(("-", ".", "/", "~")):
        return "options, files and folders are not requirements; files go with -r where the command has it"
    if re.match(r"[A-Za-z][\w.-]*\s*=[^=]", text):
        return "an exact version is written with =="
    return ""
