"""The matrix against a package index: every cell that differs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from packaging.version import Version

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import specifiers
from compatmatrix.matrix.schema import TABLES
from compatmatrix.refresh.observe import Ask, Progress, Row, fastais, partners, torch_builds


class Difference(NamedTuple):
    """A cell with both values. row: the columns that name it. column: "row" where one side has no such row."""

    table: str
    row: str
    column: str
    here: str
    there: str


def known_since(rows: Iterable[dict[str, Any]], column: str) -> Callable[[Version], bool]:
    """Which releases concern a table: those since its oldest."""
    oldest = min((Version(row[column]) for row in rows), default=None)
    return lambda release: oldest is not None and release >= oldest


def declared_packages(matrix: Matrix) -> set[str]:
    """The packages for which the matrix keeps what fastai declares."""
    return {name for row in matrix.tables.get("fastai", ()) for name in row.get("requires", {})}


def differences(matrix: Matrix, index_url: str, progress: Progress = lambda _: None) -> list[Difference]:
    """Hold torch, torchvision, torchaudio and fastai against a base index. Raises IndexUnavailable."""
    tables: dict[str, list[dict[str, Any]]] = {name: list(matrix.tables.get(name, ())) for name in TABLES}

    def ask(table: str, column: str = "version") -> Ask:
        return Ask(known_since(tables[table], column), progress=progress)

    own = [row for row in tables["build"] if row["index"] == "pypi"]
    seen = torch_builds(index_url, "pypi", Ask(known_since(own, "torch"), progress=progress))
    found = _compare("build", own, [row for row in seen if row.table == "build"])
    found += _yanked(tables["torch"], {row.cells["version"] for row in seen if row.table == "torch"}, own)
    for name in ("torchvision", "torchaudio"):
        found += _compare(name, tables[name], partners(index_url, name, ask(name)))
    return found + _compare("fastai", tables["fastai"], fastais(index_url, declared_packages(matrix), ask("fastai")))


def _yanked(known: list[dict[str, Any]], yanked: set[str], own: list[dict[str, Any]]) -> list[Difference]:
    """The torch releases of the package index that are yanked on one side only."""
    published = {row["torch"] for row in own}
    return [
        Difference("torch", row["version"], "yanked", _text(row.get("yanked")), _text(row["version"] in yanked))
        for row in known
        if row["version"] in published and bool(row.get("yanked")) != (row["version"] in yanked)
    ]


def _compare(table: str, known: list[dict[str, Any]], seen: list[Row]) -> list[Difference]:
    key = TABLES[table].key
    ours = {_name(row, key): row for row in known}
    theirs = {_name(row.cells, key): row for row in seen}
    found = []
    for name, row in theirs.items():
        if name not in ours:
            found.append(Difference(table, name, "row", "none", row.wheel.name))
            continue
        for column, value in row.cells.items():
            here = ours[name].get(column)
            if column in key or same(column, here, value) or _excused(table, column, ours[name], value):
                continue
            found.append(Difference(table, name, column, _text(here), _text(value)))
    found += [Difference(table, name, "row", "there", "none") for name in ours if name not in theirs]
    return found


def same(column: str, one: Any, other: Any) -> bool:
    """Whether two cells say the same: lists in any order, specifiers in any spelling, yanked for whatever reason."""
    if column == "yanked":
        return bool(one) == bool(other)
    if column == "requires":
        names = {*(one or {}), *(other or {})}
        return all(same("python", (one or {}).get(name, ""), (other or {}).get(name, "")) for name in names)
    if isinstance(one, list) and isinstance(other, list):
        return sorted(one) == sorted(other)
    if column in ("torch", "python"):
        return specifiers(one or "") == specifiers(other or "")
    return bool(one == other)


def _excused(table: str, column: str, row: dict[str, Any], value: Any) -> bool:
    # A release that declares nothing for torch is paired by hand; its evidence says how.
    return table == "torchaudio" and column == "torch" and not value and row["method"] != "metadata"


def _name(row: dict[str, Any], key: tuple[str, ...]) -> str:
    return ", ".join(str(row[column]) for column in key)


def _text(value: Any) -> str:
    return "none" if value in (None, "", [], {}, False) else str(value)
