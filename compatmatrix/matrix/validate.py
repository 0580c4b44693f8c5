"""Checks of the matrix file: shape, references, order, duplicates, evidence. All faults at once, each with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from packaging.version import Version

from compatmatrix.errors import MatrixError
from compatmatrix.matrix.references import reference_faults
from compatmatrix.matrix.schema import EVIDENCE, EVIDENCE_CHECKS, SCHEMA, TABLES, Table, text
from compatmatrix.model.cuda import Capability, Cuda


def parse_and_validate(raw: bytes, where: str) -> dict[str, Any]:
    """The tables of a matrix file. where: its name, for messages. Raises MatrixError listing every fault."""
    try:
        source = raw.decode("utf-8")
        tables = tomllib.loads(source)
    except UnicodeDecodeError as error:
        raise MatrixError(f"{where}: not UTF-8 (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise MatrixError(f"{where}: {error}") from error
    lines = _row_lines(source)
    faults = [f"{where}{_place(lines, table, number)}: {problem}" for table, number, problem in _faults(tables)]
    if faults:
        raise MatrixError(faults, hint="the columns of each table are described in docs/matrix.md")
    return tables


def _row_lines(source: str) -> dict[str, list[int]]:
    """For each array of tables, the lines on which its rows begin."""
    lines: dict[str, list[int]] = {}
    for number, line in enumerate(source.splitlines(), start=1):
        match = re.match(r"\s*\[\[\s*\"?([a-z-]+)\"?\s*\]\]", line)
        if match:
            lines.setdefault(match[1], []).append(number)
    return lines


def _place(lines: Mapping[str, list[int]], table: str, number: int | None) -> str:
    if number is None:
        return ""
    starts = lines.get(table, [])
    line = f":{starts[number]}" if number < len(starts) else ""
    return f"{line}: [[{table}]] row {number + 1}"


def _faults(tables: Mapping[str, Any]) -> Iterator[tuple[str, int | None, str]]:
    if tables.get("schema") != SCHEMA:
        yield "", None, f"schema is {tables.get('schema')!r}, expected {SCHEMA}"
    yield from _index_faults(tables.get("index"))
    for name in tables.keys() - TABLES.keys() - {"schema", "index"}:
        yield name, None, f"unknown table {name!r}"
    for name, shape in TABLES.items():
        rows = tables.get(name)
        if rows is None and shape.later:
            continue
        if rows is None:
            yield name, None, f"table [[{name}]] is missing"
        elif not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            yield name, None, f"{name}: expected an array of tables [[{name}]]"
        else:
            yield from _table_faults(name, shape, rows)
    yield from reference_faults(tables)


def _index_faults(index: Any) -> Iterator[tuple[str, int | None, str]]:
    row = index.get("pytorch") if isinstance(index, dict) else None
    if not isinstance(row, dict):
        yield "", None, "table [index.pytorch] is missing"
        return
    for key, check in {"url": text, **EVIDENCE_CHECKS}.items():
        problem = check(row[key]) if key in row else "is missing"
        if problem:
            yield "", None, f"[index.pytorch] {key}: {problem}"


def _table_faults(name: str, shape: Table, rows: list[dict[str, Any]]) -> Iterator[tuple[str, int | None, str]]:
    checks = {**shape.required, **shape.optional, **EVIDENCE_CHECKS}
    required = (*shape.required, *EVIDENCE)
    seen: dict[str, int] = {}
    previous: tuple[Any, ...] | None = None
    for number, row in enumerate(rows):
        bad = False
        for key in required:
            if key not in row:
                bad = True
                kind = "evidence" if key in EVIDENCE else "column"
                yield name, number, f"{kind} {key!r} is missing"
        for key, value in row.items():
            problem = checks[key](value) if key in checks else "unknown column"
            if problem:
                bad = True
                yield name, number, f"{key}: {problem}"
        if bad:
            continue
        key_text = ", ".join(str(row[column]) for column in shape.key)
        if key_text in seen:
            yield name, number, f"duplicate of row {seen[key_text] + 1} ({key_text})"
        seen.setdefault(key_text, number)
        order = _order(name, row)
        if order is not None:
            if previous is not None and order < previous:
                yield name, number, f"out of order ({key_text}): rows ascend by version"
            previous = order


def _order(name: str, row: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """What a table is sorted by; None for tables in free order."""
    if name in ("torch", "torchvision", "torchaudio", "fastai"):
        return (Version(row["version"]),)
    if name == "build":
        return (Version(row["torch"]),)
    if name == "cuda":
        return Cuda.parse(row["version"])
    if name == "capability":
        return Capability.parse(row["capability"])
    if name == "cudnn-floor":
        return row["cuda"], Version(row["version"])
    if name == "conda":
        return row["package"], row["channel"], Version(row["version"])
    return (row["major"],) if name == "cuda-family" else None
