"""pdm.lock: every package with version and marker; a lock of several targets has several of one package."""

from __future__ import annotations

from pathlib import Path

from compatmatrix.manifests.format import Format
from compatmatrix.manifests.locked_rows import locked_rows, need_known_format
from compatmatrix.manifests.manifest import Entry, Manifest, Section
from compatmatrix.manifests.toml_lines import Lines, load, tables

_MAJORS = ("4",)


def read(path: Path, text: str) -> Manifest:
    """Raises BadInput for an unknown version of the format."""
    data, lines = load(path, text), Lines(text)
    need_known_format(path, data, lines, tool="pdm", key="lock_version", majors=_MAJORS)
    entries = [
        Entry(name, f"=={release}", place, str(row.get("marker") or row.get("markers") or ""))
        for name, release, place, row in locked_rows(path, data, lines)
    ]
    targets = tables(data, "metadata", "targets")
    pythons = {str(row.get("requires_python", "")) for row in targets}
    python = pythons.pop() if len(pythons) == 1 else ""
    return Manifest(path, (Section("", tuple(entries), python),))


FORMAT = Format("pdm.lock", read, relock="change pyproject.toml and run: pdm lock")
