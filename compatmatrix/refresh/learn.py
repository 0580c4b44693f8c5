"""Releases that an index has and the matrix has not, as new rows with their evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from packaging.version import Version

from compatmatrix.errors import IndexUnavailable
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.cuda import Cuda
from compatmatrix.refresh.compare import declared_packages, known_since
from compatmatrix.refresh.observe import Progress, Row, fastais, partners, torch_builds
from compatmatrix.refresh.remote import Wheel, members

Cells = dict[str, Any]
_ARCHS = re.compile(rb"(?:sm_|compute_)\d+[af]?(?: (?:sm_|compute_)\d+[af]?)+")
_LIBRARY = {"linux": r"torch/lib/libtorch_python\.so", "windows": r"torch/lib/torch_python\.dll"}


class Learned(NamedTuple):
    """rows: (table, cells) in the order in which they can be added. notes: what was left out, and why."""

    rows: tuple[tuple[str, Cells], ...]
    notes: tuple[str, ...]


class Sources(NamedTuple):
    """Where to look. pypi, pytorch: base addresses, empty for not at all. builds: tags such as "cu126", "cpu".

    measure: read architectures and the NumPy ABI out of each new wheel (some 20 MB each).
    """

    pypi: str
    pytorch: str
    builds: tuple[str, ...]
    measure: bool
    today: date


def learn(matrix: Matrix, sources: Sources, progress: Progress = lambda _: None) -> Learned:
    """What is new on the indexes. Raises IndexUnavailable: half an answer would look like a whole one."""
    seen = _builds(matrix, sources, progress)
    notes: list[str] = []
    known = {(row["torch"], row["build"], row["platform"], row["index"]) for row in matrix.tables.get("build", ())}
    fresh = [row for row in seen if _key(row) not in known and _usable(row, matrix, notes)]
    releases = sorted({Version(row.cells["torch"]) for row in fresh} - set(matrix.torches))
    rows: list[tuple[str, Cells]] = []
    for cuda in sorted({Cuda.from_tag(row.cells["build"]) for row in fresh} - {None}):  # type: ignore[type-var]
        if cuda not in matrix.cudas:
            named = next(row for row in fresh if Cuda.from_tag(row.cells["build"]) == cuda)
            rows.append(
                ("cuda", _evident({"version": str(cuda)}, f"the build {named.wheel.name}", "metadata", sources))
            )
    found = [(row, *_archs(row, matrix, sources, progress)) for row in fresh]
    for release in releases:
        rows.append(("torch", _torch(release, found, matrix, sources)))
    rows += [("build", cells) for _, cells, _ in found]
    if sources.pypi:
        rows += _others(matrix, sources, releases, progress)
    return Learned(tuple(rows), tuple(notes))


def _builds(matrix: Matrix, sources: Sources, progress: Progress) -> list[Row]:
    """New builds on both indexes; on PyTorch's only for releases at least as new as the newest that is known."""
    known = set(matrix.torches)
    since = known_since(list(matrix.tables.get("torch", ())), "version")
    seen = []
    if sources.pypi:
        fresh = torch_builds(sources.pypi, "pypi", lambda release: since(release) and release not in known, progress)
        seen += fresh
    newest = max(known)
    tags = {*sources.builds, *(row.cells["build"] for row in seen)} if sources.pytorch else set()
    for tag in sorted(tags):
        try:
            seen += torch_builds(f"{sources.pytorch}/{tag}", "pytorch", lambda release: release >= newest, progress)
        except IndexUnavailable as error:
            if "has no torch" not in str(error):
                raise
    return [row for row in seen if Cuda.from_tag(row.cells["build"]) or row.cells["build"] == "cpu"]


def _key(row: Row) -> tuple[str, str, str, str]:
    return row.cells["torch"], row.cells["build"], row.cells["platform"], row.cells["index"]


def _usable(row: Row, matrix: Matrix, notes: list[str]) -> bool:
    cuda = Cuda.from_tag(row.cells["build"])
    if cuda is None or cuda.major in matrix.families:
        return True
    note = f"CUDA {cuda.major} has no driver floor in the matrix: add a [[cuda-family]] row for it, then refresh again"
    if note not in notes:
        notes.append(note)
    return False


def _archs(row: Row, matrix: Matrix, sources: Sources, progress: Progress) -> tuple[Cells, bytes]:
    """The cells of a build with its architectures, and the bytes of its library where that was read."""
    origin = f"{'the PyTorch index' if row.cells['index'] == 'pytorch' else 'PyPI'} wheel {row.wheel.name}: METADATA"
    if Cuda.from_tag(row.cells["build"]) is None:
        return _evident(row.cells, f"{origin}; tags of all its wheels", "metadata", sources), b""
    if sources.measure:
        progress(f"measuring {row.wheel.name}")
        library = _library(row.wheel)
        match = _ARCHS.search(library)
        if match:
            cells = {**row.cells, "archs": match[0].decode().split()}
            where = f"{origin}, bytes of libtorch_python; tags of all its wheels"
            return _evident(cells, where, "measured", sources), library
    like = _like(row, matrix)
    if like is None:
        return _evident(
            row.cells, f"{origin}; tags of all its wheels; architectures not read", "metadata", sources
        ), b""
    cells = {**row.cells, "archs": list(like["archs"])}
    return _evident(cells, f"{origin}; architectures as in {like['torch']}, not read", "inferred", sources), b""


def _library(wheel: Wheel) -> bytes:
    return members(wheel, _LIBRARY[wheel.platform.partition("-")[0]])[0]


def _like(row: Row, matrix: Matrix) -> Cells | None:
    """The newest known build of the same CUDA and platform: a guess at the architectures, and marked as one."""
    same = [
        known
        for known in matrix.tables.get("build", ())
        if (known["build"], known["platform"]) == (row.cells["build"], row.cells["platform"]) and known.get("archs")
    ]
    return max(same, key=lambda known: Version(known["torch"]), default=None)


def _torch(release: Version, found: Iterable[tuple[Row, Cells, bytes]], matrix: Matrix, sources: Sources) -> Cells:
    cells: Cells = {"version": str(release)}
    for row, _, library in found:
        if Version(row.cells["torch"]) == release and library:
            if b"numpy._core" not in library:
                # Compiled against NumPy 1 alone, as the releases of which the matrix says so.
                cells["numpy"] = next((known.numpy for known in matrix.torches.values() if known.numpy), "")
            return _evident(cells, f"wheel {row.wheel.name}: bytes of libtorch_python", "measured", sources)
    newest = next(iter(matrix.torches.values()), None)
    if newest is not None and newest.numpy:
        cells["numpy"] = newest.numpy
    return _evident(cells, f"torch {release} on the index; NumPy ABI as before it, not read", "inferred", sources)


def _others(matrix: Matrix, sources: Sources, torches: list[Version], progress: Progress) -> list[tuple[str, Cells]]:
    rows: list[tuple[str, Cells]] = []
    every = [*matrix.torches, *torches]
    for name, known in (("torchvision", set(matrix.torchvisions)), ("torchaudio", set(matrix.torchaudios))):
        since = known_since(list(matrix.tables.get(name, ())), "version")
        for row in partners(sources.pypi, name, _new(since, known), progress):
            rows.append((name, _partner(name, row, every, sources)))
    since = known_since(list(matrix.tables.get("fastai", ())), "version")
    for row in fastais(sources.pypi, declared_packages(matrix), _new(since, set(matrix.fastais)), progress):
        cells = {**row.cells, "yanked": "yanked on the index" if row.cells["yanked"] else ""}
        source = f"fastai {row.cells['version']} on PyPI: METADATA of the wheel"
        rows.append(("fastai", _evident(cells, source, "metadata", sources)))
    return rows


def _new(since: Any, known: set[Version]) -> Any:
    return lambda release: since(release) and release not in known


def _partner(name: str, row: Row, torches: list[Version], sources: Sources) -> Cells:
    cells = {**row.cells, "yanked": "yanked on the index" if row.cells["yanked"] else ""}
    source = f"{name} {cells['version']} on PyPI: METADATA of the linux-x86_64 wheel, tags of all its wheels"
    if cells["torch"].startswith("==") and "*" not in cells["torch"]:
        return _evident(cells, source, "metadata", sources)
    # A loose pin does not say which torch it came out with: the newest one, as far as anybody can tell from here.
    newest = max(torches)
    cells = {**cells, "torch": cells["torch"] or f">={newest}", "pair": str(newest)}
    return _evident(cells, f"{source}; no exact pin, paired with the newest torch of that day", "inferred", sources)


def _evident(cells: Cells, source: str, method: str, sources: Sources) -> Cells:
    kept = {key: value for key, value in cells.items() if value not in ("", None, [], {}, False)}
    return {**kept, "source": source, "method": method, "checked": sources.today.isoformat()}
