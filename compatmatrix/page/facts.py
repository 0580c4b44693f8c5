"""Everything the page knows, as JSON values: verdicts, names, and every row of the matrix with its evidence."""

from __future__ import annotations

from typing import Any

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.schema import EVIDENCE, TABLES
from compatmatrix.page.strings import Strings
from compatmatrix.page.verdicts import platforms, pythons, versions


def facts(matrix: Matrix) -> dict[str, Any]:
    """The page's data. Texts that stand more than once are stored once, in "strings", and named by their place."""
    strings = Strings()
    found = {
        "digest": matrix.digest,
        "pytorch": matrix.pytorch_index,
        "capabilities": [
            [str(row.capability), strings.add(row.name), row.first_driver, row.last_driver]
            for row in matrix.capabilities.values()
        ],
        "gpus": _gpus(matrix),
        "pythons": pythons(matrix),
        "torches": _torches(matrix),
        "fastais": [[str(row.version), int(bool(row.yanked))] for row in matrix.fastais.values()],
        "versions": versions(matrix),
        "platforms": platforms(matrix, strings),
        "tables": _tables(matrix, strings),
    }
    return {**found, "strings": strings.all()}


def _gpus(matrix: Matrix) -> list[list[Any]]:
    """Name, place of the capability, aliases."""
    places = {capability: place for place, capability in enumerate(matrix.capabilities)}
    return [[row.name, places[row.capability], list(row.aliases)] for row in matrix.gpus]


def _torches(matrix: Matrix) -> list[list[Any]]:
    """Version, torchvision, yanked, newest first."""
    found = []
    for row in matrix.torches.values():
        partner = matrix.partner("torchvision", row.version)
        found.append([str(row.version), str(partner.version) if partner else "", int(bool(row.yanked))])
    return found


def _tables(matrix: Matrix, strings: Strings) -> dict[str, Any]:
    """Each table's columns and rows, the newest first where they ascend by version."""
    found = {}
    for name, shape in TABLES.items():
        rows = list(matrix.tables.get(name, ()))
        used = [
            column for column in dict.fromkeys((*shape.required, *shape.optional)) if any(column in row for row in rows)
        ]
        columns = [*used, *EVIDENCE]
        if name not in ("gpu", "limit", "image"):
            rows.reverse()
        found[name] = {
            "columns": columns,
            "rows": [[strings.add(_text(row.get(column, ""))) for column in columns] for row in rows],
        }
    return found


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_text, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(each)}" for key, each in value.items())
    return {True: "yes", False: ""}.get(value, str(value)) if isinstance(value, bool) else str(value)
