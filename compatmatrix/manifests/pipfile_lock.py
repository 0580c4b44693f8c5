"""Pipfile.lock: the packages of "default" and "develop", each with its pin and index."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from compatmatrix.errors import BadInput
from compatmatrix.manifests.format import Format
from compatmatrix.manifests.index_urls import BUILT, build_of
from compatmatrix.manifests.manifest import Entry, Manifest, Section
from compatmatrix.manifests.toml_lines import table, tables
from compatmatrix.model.finding import Place

_SPECS = (6,)


def read(path: Path, text: str) -> Manifest:
    """Raises BadInput for what is no JSON, and for an unknown pipfile-spec."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInput(f"{path}:{error.lineno}: not JSON: {error.msg}") from error
    except (RecursionError, ValueError) as error:
        raise BadInput(f"{path}: not JSON: {error}") from error
    spec = table(data, "_meta").get("pipfile-spec")
    if spec not in _SPECS:
        line = _line(text.splitlines(), "pipfile-spec", 0) or 1
        raise BadInput(
            f"{path}:{line}: pipfile-spec {spec!r} of Pipfile.lock is not known", hint="make it anew: pipenv lock"
        )
    indexes = {str(row.get("name", "")): str(row.get("url", "")) for row in tables(data, "_meta", "sources")}
    requires = table(data, "_meta", "requires")
    given = requires.get("python_full_version") or requires.get("python_version")
    python = (f"=={given}" if str(given).count(".") > 1 else f"=={given}.*") if given else ""
    base = _entries(path, text, data, "default", indexes)
    sections = [Section("", base, python)]
    develop = _entries(path, text, data, "develop", indexes)
    if develop:
        sections.append(Section("develop", (*base, *develop), python))
    return Manifest(path, tuple(sections))


def _entries(path: Path, text: str, data: Any, section: str, indexes: dict[str, str]) -> tuple[Entry, ...]:
    lines = text.splitlines()
    start = _line(lines, section, 0)
    entries = []
    for given, row in table(data, section).items():
        if isinstance(row, dict) and isinstance(row.get("version"), str):
            name = canonicalize_name(given)
            line = _line(lines, given, start) or 1
            pin = _line(lines, "version", line)
            flavour = build_of(indexes.get(str(row.get("index", "")), "")) if name in BUILT else None
            marker = str(row.get("markers", ""))
            entries.append(Entry(name, row["version"], Place(str(path), pin or line), marker, flavour, bool(flavour)))
    return tuple(entries)


def _line(lines: list[str], key: str, after: int) -> int:
    pattern = re.compile(rf'\s*"{re.escape(key)}"\s*:')
    return next((number + 1 for number in range(after, len(lines)) if pattern.match(lines[number])), 0)


FORMAT = Format("Pipfile.lock", read, relock="change the Pipfile and run: pipenv lock")
