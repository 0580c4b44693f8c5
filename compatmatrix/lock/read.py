"""Reading a lock in requirements form back: its packages and its digest."""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from compatmatrix.emit.digest import lock_digest
from compatmatrix.errors import BadInput
from compatmatrix.manifests.requirements import logical_lines
from compatmatrix.model.lock import Package

__all__ = ["lock_digest", "read_packages"]

_HASH = re.compile(r"\s--hash[=\s](sha256:[0-9a-f]{64})(?=\s|$)")


def read_packages(text: str, *, where: str = "lock") -> tuple[Package, ...]:
    """The packages of a lock as our requirements format writes it, sorted by name; the index is not in there.

    Option lines are passed over. Raises BadInput with every line that is no exact pin with a hash; where names
    the file.
    """
    packages = []
    problems = []
    for number, line in logical_lines(text):
        if line.startswith("-"):
            continue
        hashes = tuple(sorted(_HASH.findall(line)))
        rest = _HASH.sub("", line).strip()
        try:
            packages.append(_package(rest, hashes))
        except ValueError as error:
            problems.append(f"{where}:{number}: {error}")
    if problems:
        raise BadInput(problems, hint="only a lock can be read here; make one with: compatmatrix lock")
    return tuple(sorted(packages, key=lambda package: (package.name, package.version, package.marker)))


def _package(requirement: str, hashes: tuple[str, ...]) -> Package:
    try:
        parsed = Requirement(requirement)
    except InvalidRequirement as error:
        raise ValueError(f"not a requirement: {requirement[:80]!r}") from error
    (pin, *others) = [*parsed.specifier] or [None]
    if pin is None or others or pin.operator != "==" or pin.version.endswith(".*"):
        raise ValueError(f"{parsed.name} is not pinned to one version")
    if not hashes:
        raise ValueError(f"{parsed.name} has no sha256 hash")
    try:
        version = Version(pin.version)
    except InvalidVersion as error:
        raise ValueError(str(error)) from error
    marker = str(parsed.marker) if parsed.marker else ""
    return Package(canonicalize_name(parsed.name), version, hashes, marker)
