"""New rows put into the text of a matrix file: comments, order and every old byte stay."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from typing import Any

from packaging.version import Version

from compatmatrix.errors import MatrixError
from compatmatrix.matrix.validate import parse_and_validate

_HEADER = re.compile(r"^\s*\[\[\s*\"?([a-z-]+)\"?\s*\]\]|^\s*\[[^\[]")
_SORTED_BY = {"build": "torch", "torch": "version", "torchvision": "version", "torchaudio": "version"}
_SORTED_BY |= {"fastai": "version", "cuda": "version"}


def insert(text: str, rows: Iterable[tuple[str, dict[str, Any]]], where: str) -> str:
    """The file's text with the rows added, each behind the last row of its table that is no newer.

    where: the file's name, for messages. Raises MatrixError where the result would have faults, or lack an old row.
    """
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    for table, cells in rows:
        at = _place(lines, table, cells)
        lines[at:at] = _toml(table, cells)
    made = "".join(lines)
    old = parse_and_validate(text.encode(), where)
    new = parse_and_validate(made.encode(), where)
    lost = [name for name, content in old.items() if isinstance(content, list) and not _keeps(new.get(name), content)]
    if lost:
        raise MatrixError(f"{where}: refreshing would drop or change rows of {', '.join(lost)}; nothing was written")
    return made


def diff(before: str, after: str, name: str) -> str:
    """The change as a unified diff."""
    made = difflib.unified_diff(before.splitlines(True), after.splitlines(True), f"a/{name}", f"b/{name}")
    return "".join(made)


def _keeps(new: Any, old: list[Any]) -> bool:
    if not isinstance(new, list):
        return False
    waiting = iter(new)
    return all(any(row == each for each in waiting) for row in old)


def _place(lines: list[str], table: str, cells: dict[str, Any]) -> int:
    """The line before which the row belongs: behind its predecessor's last line of content."""
    column = _SORTED_BY.get(table)
    found: int | None = None
    first: int | None = None
    for begin, end in _blocks(lines, table):
        first = begin if first is None else first
        value = _cell(lines[begin:end], column) if column else None
        if value is None or column is None or Version(value) <= Version(str(cells[column])):
            found = end
    if found is not None:
        return found
    return len(lines) if first is None else first


def _blocks(lines: list[str], table: str) -> Iterable[tuple[int, int]]:
    """For each row of a table its first line and the one behind its last key."""
    begin: int | None = None
    last = 0
    for number, line in enumerate([*lines, "[end]"]):
        header = _HEADER.match(line)
        if header:
            if begin is not None:
                yield begin, last + 1
            begin = number if header[1] == table else None
        if begin is not None and line.strip() and not line.lstrip().startswith("#"):
            last = number


def _cell(block: list[str], column: str) -> str | None:
    match = next((m for line in block if (m := re.match(rf"\s*{column}\s*=\s*\"([^\"]+)\"", line))), None)
    return match[1] if match else None


def _toml(table: str, cells: dict[str, Any]) -> list[str]:
    return ["\n", f"[[{table}]]\n", *(f"{key} = {_value(value)}\n" for key, value in cells.items())]


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
