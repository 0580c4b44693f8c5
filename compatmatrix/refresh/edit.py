"""Rows added and cells set in the text of a matrix file: comments, order and every other byte stay.

tomlkit edits one row at a time, and the row's text goes back to its place. Over the whole file it would be wrong, and
not only slow (half a second): for it a comment before a heading belongs to the row above, so that a new row would land
below the next table's comment, and of a table that continues further down it moves the rest up.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from packaging.version import Version

from compatmatrix.errors import MatrixError
from compatmatrix.matrix.schema import EVIDENCE
from compatmatrix.matrix.validate import parse_and_validate
from compatmatrix.refresh.change import Change

_ROW = re.compile(r"""\s*\[\[\s*["']?([a-z-]+)["']?\s*\]\]""")
_TABLE = re.compile(r"""\s*\[\s*["']?([a-z-]+)""")
_SORTED_BY = {"build": "torch", "torch": "version", "torchvision": "version", "torchaudio": "version"}
_SORTED_BY |= {"fastai": "version", "cuda": "version"}

Cells = Mapping[str, Any]
Tables = dict[str, Any]


def edited(text: str, added: Iterable[tuple[str, Cells]], changes: Iterable[Change], where: str) -> str:
    """The file's text with rows added and cells set; a row goes behind the last one of its table that is no newer.

    where: the file's name, for messages. Raises MatrixError where the result would have faults, or would differ from
    the old file in anything else.
    """
    added, changes = list(added), list(changes)
    old = parse_and_validate(text.encode(), where)
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    blocks = _blocks(lines)
    ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    # (first line, one behind the last, what stands there then), by places in the old text.
    pieces: list[tuple[int, int, str]] = []
    for change in changes:
        number = old[change.table].index(change.row)
        if number >= len(blocks.get(change.table, ())):
            raise _unsafe(where)
        begin, end = blocks[change.table][number]
        pieces.append((begin, end, _with_cells("".join(lines[begin:end]), change, where)))
    for table, cells in sorted(added, key=_release):
        at = _place(lines, blocks.get(table, []), table, cells)
        pieces.append((at, at, _new_row(table, cells).replace("\n", ending)))
    pieces.sort(key=lambda piece: piece[:2])
    for begin, end, piece in reversed(pieces):
        lines[begin:end] = piece.splitlines(keepends=True)
    made = "".join(lines) if added or changes else text
    if not _as_asked(old, parse_and_validate(made.encode(), where), added, changes):
        raise _unsafe(where)
    return made


def diff(before: str, after: str, name: str) -> str:
    """The change as a unified diff."""
    made = difflib.unified_diff(before.splitlines(True), after.splitlines(True), f"a/{name}", f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in made)


def _unsafe(where: str) -> MatrixError:
    return MatrixError(f"{where}: refreshing would drop or change other rows; nothing was written")


def _as_asked(old: Tables, new: Tables, added: Sequence[tuple[str, Cells]], changes: Sequence[Change]) -> bool:
    """Whether the new tables are the old ones with what was asked for, every old row in its old order."""
    if old.keys() != new.keys() or any(old[name] != new[name] for name in old if not isinstance(old[name], list)):
        return False
    for name in (name for name in old if isinstance(old[name], list)):
        pairs = [(change.row, {**change.row, **change.cells}) for change in changes if change.table == name]
        wanted = [next((after for before, after in pairs if before == row), row) for row in old[name]]
        waiting = iter(new[name])
        if not all(any(row == each for each in waiting) for row in wanted):
            return False
        extra = [dict(cells) for table, cells in added if table == name]
        if Counter(map(_frozen, new[name])) != Counter(map(_frozen, [*wanted, *extra])):
            return False
    return True


def _frozen(row: Cells) -> str:
    return repr(sorted(row.items()))


def _blocks(lines: Sequence[str]) -> dict[str, list[tuple[int, int]]]:
    """For each table and each of its rows the first line and the one behind its last line of content."""
    found: dict[str, list[tuple[int, int]]] = {}
    table = ""
    begin = last = 0
    for number, line in enumerate([*lines, "[[end]]"]):
        text = line.strip()
        header = _ROW.match(text) if text.startswith("[") else None
        inner = _TABLE.match(text) if text.startswith("[") else None
        if header or (inner and inner[1] != table):
            if table:
                found.setdefault(table, []).append((begin, last + 1))
            table, begin = (header[1] if header else ""), number
        if text and not text.startswith("#"):
            last = number
    return found


def _release(new: tuple[str, Cells]) -> Version:
    column = _SORTED_BY.get(new[0])
    return Version(str(new[1].get(column, "0"))) if column else Version("0")


def _place(lines: Sequence[str], blocks: Sequence[tuple[int, int]], table: str, cells: Cells) -> int:
    """The line before which a row belongs: behind its predecessor's last line of content."""
    column = _SORTED_BY.get(table)
    for begin, end in reversed(blocks):
        value = _cell(lines[begin:end], column) if column else None
        if value is None or column is None or Version(value) <= Version(str(cells[column])):
            return end
    return blocks[0][0] if blocks else len(lines)


def _cell(block: Iterable[str], column: str) -> str | None:
    match = next((m for line in block if (m := re.match(rf"""\s*{column}\s*=\s*["']([^"']+)["']""", line))), None)
    return match[1] if match else None


def _with_cells(block: str, change: Change, where: str) -> str:
    """The text of a row with cells set: comments behind them stay, new columns stand before the evidence."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(block)
        (row,) = document[change.table]
        new = {column: value for column, value in change.cells.items() if column not in row}
        for column, value in change.cells.items():
            if column not in new:
                row[column] = _joined(row[column], value)
        made = document.as_string()
    except (TOMLKitError, KeyError, ValueError) as error:
        raise _unsafe(where) from error
    lines = made.splitlines(keepends=True)
    at = next((n for n, line in enumerate(lines) if re.match(rf"\s*({'|'.join(EVIDENCE)})\s*=", line)), len(lines))
    ending = "\r\n" if lines[0].endswith("\r\n") else "\n"
    lines[at:at] = [f"{column} = {_item(value)}{ending}" for column, value in new.items()]
    return "".join(lines)


def _joined(old: Any, value: Any) -> Any:
    """The old cell with what is new put in, where it is a table, or a list that only grows: its layout stays."""
    if isinstance(value, dict) and isinstance(old, dict) and not old.keys() - value.keys():
        for key, each in value.items():
            if old.get(key) != each:
                old[key] = each
        return old
    kept = [each for each in value if each in old] if isinstance(value, list) else None
    if kept is None or kept != list(old):
        return _inline(value)
    for number, each in enumerate(value):
        if each not in kept:
            old.insert(number, each)
    return old


def _new_row(table: str, cells: Cells) -> str:
    import tomlkit

    row = tomlkit.table()
    for column, value in cells.items():
        row.add(column, _inline(value))
    rows = tomlkit.aot()
    rows.append(row)
    document = tomlkit.document()
    document.add(table, rows)
    return f"\n{document.as_string().rstrip()}\n"


def _inline(value: Any) -> Any:
    """A table as the file writes it: in one line, with spaces inside the braces."""
    import tomlkit

    if not isinstance(value, dict):
        return value
    cells = [f"{tomlkit.key(key).as_string()} = {tomlkit.item(each).as_string()}" for key, each in value.items()]
    return tomlkit.value(f"{{ {', '.join(cells)} }}")


def _item(value: Any) -> str:
    import tomlkit

    return str(tomlkit.item(_inline(value)).as_string())
