"""One attempt to repair a part of a file, written into its text: pins on its own lines, the index with the build."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from compatmatrix.manifests import index_edit
from compatmatrix.manifests.manifest import Manifest
from compatmatrix.manifests.pyproject_index import Use
from compatmatrix.manifests.read import edit, format_of, read_manifest
from compatmatrix.manifests.source import read_text, reading_instead
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.target import Target, applies
from compatmatrix.resolve.manifest import JudgedPart
from compatmatrix.resolve.moves import Change


class Attempt(NamedTuple):
    """One way to repair a part. build: the one whose PyTorch index the file names, empty for none. plain: the pins
    stay without a build, for the index decides it."""

    changes: tuple[Change, ...]
    build: str = ""
    plain: bool = False


def in_range(part: JudgedPart, change: Change) -> bool:
    """Whether a file's range admits what a package would move to."""
    spec = part.part.ranges.get(change.name)
    return spec is not None and spec.contains(change.pin.version, prereleases=True)


def tag_of(changes: Sequence[Change]) -> str:
    """The build of the PyTorch index that the changes need; empty for none."""
    tags = {str(change.pin.flavour) for change in changes if change.source == "pytorch"}
    return tags.pop() if len(tags) == 1 else ""


def edited(
    path: Path, part: JudgedPart, attempt: Attempt, texts: Mapping[Path, str], matrix: Matrix
) -> tuple[dict[Path, str], list[str]]:
    """The texts of the files that an attempt changes, and what to tell of them. texts: as repaired so far."""
    wanted: dict[Path, dict[str, str]] = {}
    for change in attempt.changes:
        place = part.part.places.get(change.name)
        text = change.requirement[len(change.name) :]
        by_index = attempt.plain and change.source == "pytorch"
        if by_index and in_range(part, change):
            continue  # the index decides the build, and the range may stay
        plain = text.partition("+")[0] if by_index else text
        wanted.setdefault(Path(place.file) if place else path, {})[change.name] = plain
    read = {Path(place.file) for place in part.part.places.values()} | {path, *wanted}
    before = {file: texts[file] if file in texts else read_text(file) for file in read}
    with reading_instead(texts):
        elsewhere = _lines_of_others(read_manifest(path), part)
    made = {
        file: _but_for(before[file], edit(file, before[file], changes), elsewhere.get(file, frozenset()))
        for file, changes in wanted.items()
    }
    tag, notes = tag_of(attempt.changes), []
    to_pypi = any(change.name == "torch" and change.source == "pypi" for change in attempt.changes)
    for file in sorted(read) if attempt.build else ():
        text = made.get(file, before[file])
        kind = format_of(file, text).name
        if tag:
            made[file] = index_edit.moved(kind, file, text, attempt.build, tag)
        elif to_pypi and f"+{attempt.build}" not in text:
            made[file] = index_edit.dropped(kind, file, text, attempt.build, _use(part))
    url = f"{matrix.pytorch_index}/{tag}"
    named = re.compile(rf"(/|backend.*[= \"']){tag}\b")
    if tag and not any(map(named.search, (*made.values(), *before.values()))):
        packages = [change.name for change in attempt.changes if change.source == "pytorch"]
        place = part.part.places.get(packages[0])
        file = Path(place.file) if place else path
        text = made.get(file, before[file])
        more = index_edit.added(format_of(file, text).name, file, text, url, packages)
        made[file] = more if more is not None else text
        notes = [] if more is not None else [f"{file}: name the index of this build too: {url}"]
    return {file: text for file, text in made.items() if text != before[file]}, notes


def _lines_of_others(manifest: Manifest, part: JudgedPart) -> dict[Path, set[int]]:
    """Lines that name packages for other stages, extras or systems only: a repair of this part is not theirs."""
    target = Target.of(part.host)
    own = {entry.place for entry in part.part.section.entries if applies(entry.marker, target) is not False}
    found: dict[Path, set[int]] = {}
    for section in manifest.sections:
        for entry in section.entries:
            if entry.place not in own:
                found.setdefault(Path(entry.place.file), set()).add(entry.place.line)
    return found


def _but_for(old: str, new: str, lines: Collection[int]) -> str:
    """The new text with these lines as they were; all of it where the lines do not stand where they did."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    if not lines or len(before) != len(after):
        return new
    return "".join(before[n] if n + 1 in lines else after[n] for n in range(len(after)))


def _use(part: JudgedPart) -> Use:
    """Who leaves an index: an extra or group by its name alone."""
    return Use(part.part.section.name.partition(" ")[2], Target.of(part.host))


def exact(file: Path, text: str) -> str:
    """The text with the byte order mark that the file begins with, which reading leaves out."""
    with file.open("rb") as opened:
        return f"\ufeff{text}" if opened.read(3) == b"\xef\xbb\xbf" else text
