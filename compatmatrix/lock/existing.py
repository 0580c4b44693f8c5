"""A lock that is there already, in any of our formats: its pins, and how it differs from the one that would be made."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from compatmatrix.errors import BadInput, CompatmatrixError
from compatmatrix.lock.answer import read_answer
from compatmatrix.lock.read import read_packages
from compatmatrix.manifests.read import read_manifest
from compatmatrix.manifests.source import read_text
from compatmatrix.model.lock import Lock, Package
from compatmatrix.resolve.question import CORE, IndexPolicy, Question, parse_requirements

_EMBEDDED = re.compile(r"<<'LOCK'[^\n]*\n(.*?)^LOCK$", re.S | re.M)


class Existing(NamedTuple):
    """complete: it holds hashes, so that every package can be compared; else its versions are all that is known."""

    packages: tuple[Package, ...]
    complete: bool

    def without(self, names: frozenset[str]) -> Existing:
        """Without the packages that may be upgraded."""
        return self._replace(packages=tuple(package for package in self.packages if package.name not in names))

    def core(self) -> dict[str, Version]:
        """The versions of what level 1 decides; those that are locked once for each platform are left out."""
        found: dict[str, list[Version]] = {}
        for package in self.packages:
            if package.name in CORE:
                found.setdefault(package.name, []).append(package.version)
        return {name: versions[0] for name, versions in found.items() if len(versions) == 1}


def read_existing(path: Path) -> Existing:
    """The pins of a file. Raises BadInput for one that cannot be read or pins nothing."""
    text = read_text(path)
    embedded = _EMBEDDED.search(text)
    if embedded:
        return Existing(read_packages(embedded[1], where=str(path)), True)
    if text.lstrip().startswith("{"):
        return Existing(_from_json(text, path), True)
    if re.search(r"^\[\[packages\]\]$", text, re.M):
        return Existing(_from_pylock(text, path), True)
    if "--hash=" in text:
        return Existing(read_packages(text, where=str(path)), True)
    pins = read_manifest(path).stack.values()
    if not pins:
        raise BadInput(f"{path}: pins nothing, so it is no lock", hint="make one with: compatmatrix lock -o FILE")
    return Existing(tuple(Package(pin.name, pin.version, ()) for pin in pins), False)


def _from_json(text: str, path: Path) -> tuple[Package, ...]:
    try:
        rows = json.loads(text)["packages"]
        return tuple(_row(row) for row in rows)
    except (ValueError, KeyError, TypeError, AttributeError, InvalidVersion, RecursionError) as error:
        raise BadInput(f"{path}: not a lock as JSON ({type(error).__name__}: {error})") from error


def _row(row: dict[str, Any]) -> Package:
    return Package(canonicalize_name(row["name"]), Version(row["version"]), tuple(row["hashes"]), row["marker"] or "")


def _from_pylock(text: str, path: Path) -> tuple[Package, ...]:
    try:
        return read_answer(text, "")
    except CompatmatrixError as error:
        raise BadInput(f"{path}: {error.problems[0]}") from error


def keep_core(question: Question, existing: Existing) -> tuple[Question, tuple[str, ...]]:
    """The question with the existing versions of the stack as requirements, and those that it does not admit."""
    pins, refused = [], []
    core = existing.core()
    for name, version in core.items():
        if question.admits(name, version):
            # torchaudio is part of the stack only where somebody asks for it.
            if name != "torchaudio" or question.wanted(name):
                pins.append(f"{name}=={version}")
        else:
            refused.append(f"{name} {version} is locked, and {', '.join(map(str, question.wanted(name)))} is asked for")
    index = question.index
    if "torch" in core and index is IndexPolicy.AUTO:
        # Without a local part it is PyPI's build: the same version of another index would be another wheel.
        index = IndexPolicy.PYTORCH if core["torch"].local else IndexPolicy.PYPI
    return replace(question, requirements=(*question.requirements, *parse_requirements(pins)), index=index), tuple(
        refused
    )


def differences(existing: Existing, made: Lock) -> Iterator[str]:
    """Each package that differs, in a sentence; hashes where the existing lock holds some."""
    old, new = _by_name(existing.packages), _by_name(made.packages)
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"{_versions(old[name])} is locked and nothing needs it any more"
        elif name not in old:
            yield f"{_versions(new[name])} is needed and not locked"
        elif {p.version for p in old[name]} != {p.version for p in new[name]}:
            yield f"{_versions(old[name])} is locked, {_versions(new[name])} would be"
        elif existing.complete and {(p.marker, p.hashes) for p in old[name]} != {
            (p.marker, p.hashes) for p in new[name]
        }:
            yield f"{_versions(old[name])}: the files or the marker differ"


def _by_name(packages: tuple[Package, ...]) -> dict[str, list[Package]]:
    found: dict[str, list[Package]] = {}
    for package in packages:
        found.setdefault(package.name, []).append(package)
    return found


def _versions(packages: list[Package]) -> str:
    return " and ".join(f"{package.name} {package.version}" for package in packages)
