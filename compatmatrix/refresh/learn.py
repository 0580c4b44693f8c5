"""What an index has and the matrix has not: releases and builds as rows, and cells of known rows that have changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from packaging.version import Version

from compatmatrix.errors import IndexUnavailable
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.cuda import Cuda
from compatmatrix.refresh.change import Change, changed, evident, measured
from compatmatrix.refresh.compare import declared_packages, known_since
from compatmatrix.refresh.library import read_library
from compatmatrix.refresh.new_rows import cudas, paired, torch, with_archs, with_words
from compatmatrix.refresh.observe import Ask, Cells, Progress, Row, fastais, partners, torch_builds
from compatmatrix.refresh.remote import NoSuchProject, wheels
from compatmatrix.refresh.sources import Sources


class Learned(NamedTuple):
    """rows: (table, cells) in the order in which they can be added. notes: what was left as it is, and why."""

    rows: tuple[tuple[str, Cells], ...]
    changes: tuple[Change, ...]
    notes: tuple[str, ...]


def learn(matrix: Matrix, sources: Sources, progress: Progress = lambda _: None) -> Learned:
    """What is new on the indexes. Raises IndexUnavailable: half an answer would look like a whole one."""
    known = _Known(matrix)
    notes: dict[str, None] = {}
    changes: list[Change] = []
    fresh: list[Row] = []
    yanked: set[str] = set()
    for row in _builds(known, sources, notes, progress):
        here = known.row(row.table, row.cells)
        if row.table == "torch":
            yanked.add(row.cells["version"])
        if here is not None:
            changes += _changed(row, here, sources, notes, progress)
        elif row.table == "build" and _usable(row, matrix, notes):
            fresh.append(row)
    fresh.sort(key=known.order)
    found = [(row, *with_archs(row, matrix, sources, progress)) for row in fresh]
    releases = sorted({Version(row.cells["torch"]) for row in fresh} - set(matrix.torches))
    rows: list[tuple[str, Cells]] = [("cuda", cells) for cells in cudas(fresh, matrix, sources)]
    rows += [("torch", torch(release, found, yanked, matrix, sources)) for release in releases]
    rows += [("build", cells) for _, cells, _ in found]
    for name in ("torchvision", "torchaudio"):
        new: list[Row] = []
        for row in _partner_rows(name, known, sources, progress):
            here = known.row(name, row.cells)
            if here is None:
                new.append(row)
            else:
                changes += _changed(row, here, sources, notes, progress)
        rows += [(name, cells) for cells in paired(new, [*matrix.torches, *releases], sources)]
    for row in _fastai_rows(known, sources, progress):
        here = known.row("fastai", row.cells)
        if here is None:
            source = f"fastai {row.cells['version']} on PyPI: METADATA of the wheel"
            rows.append(("fastai", evident("fastai", with_words(row.cells), source, "metadata", sources.today)))
        else:
            changes += _changed(row, here, sources, notes, progress)
    return Learned(tuple(rows), tuple(changes), tuple(notes))


class _Known:
    """The rows of a matrix by what an index tells of them."""

    def __init__(self, matrix: Matrix) -> None:
        self.matrix = matrix
        self._rows: dict[tuple[str, ...], Cells] = {}
        self._platforms = list(dict.fromkeys(row["platform"] for row in matrix.tables.get("build", ())))
        for table in ("torch", "build", "torchvision", "torchaudio", "fastai"):
            for row in matrix.tables.get(table, ()):
                self._rows[self._key(table, row)] = row

    @staticmethod
    def _key(table: str, cells: Cells) -> tuple[str, ...]:
        if table != "build":
            return table, str(Version(cells["version"]))
        # The package index has one build of a release for a platform, and its file names do not say which.
        build = cells["build"] if cells["index"] == "pytorch" else ""
        return table, str(Version(cells["torch"])), cells["platform"], cells["index"], build

    def row(self, table: str, cells: Cells) -> Cells | None:
        return self._rows.get(self._key(table, cells))

    def order(self, row: Row) -> tuple[Version, int, str, bool]:
        """Sorts new builds as the file has them: platforms in its order, the package index first."""
        release, platform = Version(row.cells["torch"]), row.cells["platform"]
        place = self._platforms.index(platform) if platform in self._platforms else len(self._platforms)
        return release, place, platform, row.cells["index"] != "pypi"

    def ask(self, table: str, sources: Sources, progress: Progress) -> Ask:
        """Every release since the table's oldest; METADATA of the unknown ones."""
        since = known_since(list(self.matrix.tables.get(table, ())), "torch" if table == "build" else "version")
        return Ask(since, lambda cells: not sources.everything and self.row(table, cells) is not None, progress)


def _builds(known: _Known, sources: Sources, notes: dict[str, None], progress: Progress) -> list[Row]:
    """The builds on both indexes. PyTorch's is all or nothing: some of its builds would pass for all of them."""
    ask = known.ask("build", sources, progress)
    seen = torch_builds(sources.pypi, "pypi", ask) if sources.pypi else []
    if not sources.pytorch:
        return seen
    try:
        tags = {row.cells.get("build", "") for row in seen}
        return seen + list(_pytorch_builds(known, sources, tags, ask))
    except IndexUnavailable as error:
        if not sources.optional:
            raise
        notes[f"{error.problems[0]}; only the builds of PyPI were learned (--index both insists on the others)"] = None
        return seen


def _pytorch_builds(known: _Known, sources: Sources, tags: set[str], ask: Ask) -> Iterator[Row]:
    """Those of releases that are at least as new as the last one that is known there, and those that are known."""
    there = [row for row in known.matrix.tables.get("build", ()) if row["index"] == "pytorch"]
    newest = max((Version(row["torch"]) for row in there), default=min(known.matrix.torches))
    tags = {*tags, "cpu", *sources.builds, *_tags_of_index(sources.pytorch, newest)}
    tags |= {row["build"] for row in there if sources.everything or Version(row["torch"]) == newest}
    for tag in sorted(tag for tag in tags if tag == "cpu" or Cuda.from_tag(tag)):
        releases = {Version(row["torch"]) for row in there if row["build"] == tag}

        def wanted(release: Version, releases: set[Version] = releases) -> bool:
            return release >= newest or release in releases or (sources.everything and ask.wanted(release))

        ask.progress(f"{tag} on the PyTorch index")
        try:
            yield from torch_builds(f"{sources.pytorch}/{tag}", "pytorch", ask._replace(wanted=wanted))
        except NoSuchProject:
            continue


def _tags_of_index(pytorch: str, newest: Version) -> set[str]:
    """The builds of new releases by the page that lists all builds together, which a mirror need not have."""
    try:
        found = wheels(pytorch, "torch")
    except NoSuchProject:
        return set()
    return {wheel.version.local or "" for wheel in found if Version(wheel.version.public) >= newest}


def _usable(row: Row, matrix: Matrix, notes: dict[str, None]) -> bool:
    tag = row.cells["build"]
    cuda = Cuda.from_tag(tag)
    if tag == "cpu" or (cuda is not None and cuda.major in matrix.families):
        return True
    if cuda is not None:
        notes[
            f"CUDA {cuda.major} has no driver floor in the matrix: add a [[cuda-family]] row for it, then refresh again"
        ] = None
    return False


def _changed(row: Row, here: Cells, sources: Sources, notes: dict[str, None], progress: Progress) -> Iterator[Change]:
    change, kept = changed(row, here, sources.today)
    notes.update(dict.fromkeys(kept))
    unread = row.table == "build" and here["build"] != "cpu" and (here["method"] == "inferred" or "archs" not in here)
    if sources.measure and unread:
        progress(f"measuring {row.wheel.name}")
        change = measured(change, row, here, read_library(row.wheel), sources.today)
    if change is not None:
        yield change


def _partner_rows(name: str, known: _Known, sources: Sources, progress: Progress) -> list[Row]:
    # Without the package index the CPU folder of PyTorch's tells as much: partners do not differ by build.
    base = sources.pypi or f"{sources.pytorch}/cpu"
    return partners(base, name, known.ask(name, sources, progress))


def _fastai_rows(known: _Known, sources: Sources, progress: Progress) -> list[Row]:
    if not sources.pypi:
        return []
    return fastais(sources.pypi, declared_packages(known.matrix), known.ask("fastai", sources, progress))
