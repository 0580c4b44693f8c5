"""A lock that is there already, in any of our formats: its pins, and how it differs from the one that would be made."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from compatmatrix.errors import BadInput, CompatmatrixError
from compatmatrix.lock.answer import read_answer
from compatmatrix.lock.make import NOT_USED, OFFLINE
from compatmatrix.lock.read import read_packages
from compatmatrix.manifests.read import read_manifest
from compatmatrix.manifests.source import read_text
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.decision import Decision
from compatmatrix.model.lock import Lock, Package
from compatmatrix.model.target import Target, applies
from compatmatrix.resolve.decide import Proofs, decide
from compatmatrix.resolve.question import CORE, IndexPolicy, Question, parse_requirements

_NOTE = re.compile(r"^# note: (.*)$", re.M)
_EMBEDDED = re.compile(r"<<'LOCK'[^\n]*\n(.*?)^LOCK$", re.S | re.M)


class Existing(NamedTuple):
    """complete: it holds hashes, so that every package can be compared; else its versions are all that is known.

    notes: of its header, on why PyPI's build of torch was taken.
    """

    packages: tuple[Package, ...]
    complete: bool
    notes: tuple[str, ...] = ()

    def without(self, names: frozenset[str]) -> Existing:
        """Without the packages that may be upgraded."""
        return self._replace(packages=tuple(package for package in self.packages if package.name not in names))

    def names(self, name: str) -> bool:
        """Whether it holds a package."""
        return any(package.name == name for package in self.packages)

    def core(self, target: Target) -> dict[str, Version]:
        """The versions of what level 1 decides, on a machine; those of which there are several there are left out."""
        found: dict[str, set[Version]] = {}
        for package in self.packages:
            if package.name in CORE and applies(package.marker, target) is not False:
                found.setdefault(package.name, set()).add(package.version)
        return {name: versions.pop() for name, versions in found.items() if len(versions) == 1}


class Kept(NamedTuple):
    """A question that keeps the stack of an existing lock. refused: what of that stack is not admitted, in sentences.

    notes: of the existing lock, still true.
    """

    question: Question
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_existing(path: Path) -> Existing:
    """The pins of a file. Raises BadInput for one that cannot be read or pins nothing."""
    text = read_text(path)
    notes = tuple(note for note in _NOTE.findall(text) if note.startswith((NOT_USED, OFFLINE)))
    embedded = _EMBEDDED.search(text)
    if embedded:
        return Existing(read_packages(embedded[1], where=str(path)), True, tuple(dict.fromkeys(notes)))
    if text.lstrip().startswith("{"):
        return _from_json(text, path)
    if re.search(r"^\[\[packages\]\]$", text, re.M):
        return Existing(_from_pylock(text, path), True, notes)
    if "--hash=" in text:
        return Existing(read_packages(text, where=str(path)), True, notes)
    pins = read_manifest(path).stack.values()
    if not pins:
        raise BadInput(f"{path}: pins nothing, so it is no lock", hint="make one with: compatmatrix lock -o FILE")
    return Existing(tuple(Package(pin.name, pin.version, ()) for pin in pins), False, notes)


def _from_json(text: str, path: Path) -> Existing:
    try:
        data = json.loads(text)
        packages = tuple(_row(row) for row in data["packages"])
        notes = [str(note) for note in data.get("notes", ())]
    except (ValueError, KeyError, TypeError, AttributeError, InvalidVersion, RecursionError) as error:
        raise BadInput(f"{path}: not a lock as JSON ({type(error).__name__}: {error})") from error
    return Existing(packages, True, tuple(note for note in notes if note.startswith((NOT_USED, OFFLINE))))


def _row(row: dict[str, Any]) -> Package:
    return Package(canonicalize_name(row["name"]), Version(row["version"]), tuple(row["hashes"]), row["marker"] or "")


def _from_pylock(text: str, path: Path) -> tuple[Package, ...]:
    try:
        return read_answer(text, "")
    except CompatmatrixError as error:
        raise BadInput(f"{path}: {error.problems[0]}") from error


def keep(question: Question, existing: Existing, matrix: Matrix, proofs: Proofs) -> Kept:
    """The question that keeps the existing versions of the stack.

    Where the same versions are decided anyway the question stays free, so that the same lock is written again with the
    same words; else they become requirements.
    """
    pins, refused = {}, []
    core = existing.core(Target.of(question.host))
    for name, version in core.items():
        if not question.admits(name, version):
            asked = ", ".join(map(str, question.wanted(name)))
            refused.append(f"{name} {version} is locked, and {asked} is asked for")
        elif name != "torchaudio" or question.wanted(name):
            # torchaudio is part of the stack only where somebody asks for it.
            pins[name] = version
    index, notes = question.index, existing.notes
    if "torch" in pins and index is IndexPolicy.AUTO:
        # Without a local part it is PyPI's build: the same version of another index would be another wheel.
        index = IndexPolicy.PYTORCH if pins["torch"].local else IndexPolicy.PYPI
        if _decides(question, pins, matrix, proofs):
            return Kept(question, tuple(refused))
    bound = replace(question, index=index)
    notes = notes if index is IndexPolicy.PYPI and question.index is IndexPolicy.AUTO else ()
    if notes and _decides(bound, pins, matrix, proofs):
        # So it came about: the index was not used, and PyPI's builds alone were looked at.
        return Kept(bound, tuple(refused), notes)
    wanted = parse_requirements(f"{name}=={version}" for name, version in pins.items())
    return Kept(replace(bound, requirements=(*question.requirements, *wanted)), tuple(refused), notes)


def _decides(question: Question, pins: Mapping[str, Version], matrix: Matrix, proofs: Proofs) -> bool:
    made = decide(question, matrix, proofs)
    return isinstance(made, Decision) and all(
        name in made.stack and made.stack[name].version == version for name, version in pins.items()
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
