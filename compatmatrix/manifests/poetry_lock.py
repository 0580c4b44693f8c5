"""poetry.lock: every package with version, index and marker."""

from __future__ import annotations

from pathlib import Path

from compatmatrix.manifests import poetry
from compatmatrix.manifests.format import Format
from compatmatrix.manifests.index_urls import BUILT, build_of
from compatmatrix.manifests.locked_rows import locked_rows, need_known_format
from compatmatrix.manifests.manifest import Entry, Manifest, Section
from compatmatrix.manifests.toml_lines import Lines, load, table

_MAJORS = ("1", "2")


def read(path: Path, text: str) -> Manifest:
    """Raises BadInput for an unknown version of the format."""
    data, lines = load(path, text), Lines(text)
    need_known_format(path, data, lines, tool="poetry", key="lock-version", majors=_MAJORS)
    entries = []
    for name, release, place, row in locked_rows(path, data, lines):
        flavour = build_of(str(table(row, "source").get("url", ""))) if name in BUILT else None
        given = row.get("markers", "")
        # With several groups there is one marker for each of them, and the package is there if any holds.
        marker = " or ".join(f"({one})" for one in given.values()) if isinstance(given, dict) else str(given)
        entries.append(Entry(name, f"=={release}", place, marker, flavour, bool(flavour)))
    python = poetry.specifier(str(table(data, "metadata").get("python-versions", "")))
    return Manifest(path, (Section("", tuple(entries), python),))


FORMAT = Format("poetry.lock", read, relock="change pyproject.toml and run: poetry lock")
