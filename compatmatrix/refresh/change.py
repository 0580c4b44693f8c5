"""Cells of a known row that an index tells differently. Nothing is ever blanked, and no list gets shorter."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from compatmatrix.matrix.schema import TABLES
from compatmatrix.refresh.compare import same
from compatmatrix.refresh.library import Library
from compatmatrix.refresh.observe import Cells, Row, python_order

YANKED = "yanked on the index"

_FROM_NAMES = {"pythons", "wheel"}
_EMPTY: tuple[Any, ...] = ("", None, [], {}, False)


class Change(NamedTuple):
    """row: as it stands. cells: the columns to be set, evidence included."""

    table: str
    row: Cells
    cells: Cells

    @property
    def name(self) -> str:
        """The columns that name the row."""
        return ", ".join(str(self.row[column]) for column in TABLES[self.table].key)


def changed(row: Row, here: Cells, today: date) -> tuple[Change | None, list[str]]:
    """What an index adds to a known row, and notes on what it says less than the row."""
    found: Cells = {}
    kept = []
    key = TABLES[row.table].key
    name = f"[[{row.table}]] {', '.join(str(here[column]) for column in key)}"
    for column, there in row.cells.items():
        old = here.get(column)
        if column in key:
            if column == "build" and old != there:
                kept.append(f"{name}: the index has {there}; that is another row, mend it by hand")
            continue
        if same(column, old, there):
            continue
        value = YANKED if column == "yanked" and there else _grown(old, there)
        # A row that was made by hand says more than METADATA does: that is what hands are for.
        if _lost(old, there) and here["method"] in ("metadata", "measured"):
            kept.append(f"{name}: {column}: the index no longer says all of {old}; kept")
        if value not in _EMPTY and not same(column, old, value):
            found[column] = value
    return (Change(row.table, here, {**found, **_evidence(found, here, row, today)}) if found else None), kept


def _grown(old: Any, there: Any) -> Any:
    if isinstance(old, list) and isinstance(there, list):
        return sorted({*old, *there}, key=python_order)
    if isinstance(old, dict) and isinstance(there, dict):
        return {**old, **there}
    return there


def _lost(old: Any, there: Any) -> bool:
    if isinstance(old, list) and isinstance(there, list):
        return bool({*old} - {*there})
    if isinstance(old, dict) and isinstance(there, dict):
        return bool(old.keys() - there.keys())
    return old not in _EMPTY and there in _EMPTY


def _evidence(found: Cells, here: Cells, row: Row, today: date) -> Cells:
    """Today's look; the source says so where it did not name what was read."""
    source = here["source"]
    for columns, phrase in ((_FROM_NAMES, "tags of all its wheels"), (found.keys() - _FROM_NAMES, "METADATA")):
        if columns & found.keys() - {"yanked"} and phrase not in source:
            source = f"{source}; {', '.join(sorted(columns & found.keys()))}: {phrase} ({row.wheel.name})"
    return {**({"source": source} if source != here["source"] else {}), "checked": today.isoformat()}


def measured(change: Change | None, row: Row, here: Cells, library: Library | None, today: date) -> Change | None:
    """The change of a build whose architectures were read: those of the wheel replace inferred ones."""
    if library is None:
        return change
    index = "the PyTorch index" if here["index"] == "pytorch" else "PyPI"
    evidence = {
        "source": f"{index} wheel {row.wheel.name}: METADATA, bytes of {library.name}; tags of all its wheels",
        "method": "measured",
        "checked": today.isoformat(),
    }
    archs = {"archs": list(library.archs)} if list(library.archs) != here.get("archs") else {}
    return Change("build", here, {**(change.cells if change else {}), **archs, **evidence})


def evident(table: str, cells: Cells, source: str, method: str, today: date) -> Cells:
    """A new row: what is known of it, in the order of the table's columns, and its evidence."""
    shape = TABLES[table]
    kept = {key: cells[key] for key in (*shape.required, *shape.optional) if cells.get(key) not in _EMPTY}
    return {**kept, "source": source, "method": method, "checked": today.isoformat()}
