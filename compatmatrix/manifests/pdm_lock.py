"""pdm.lock: every package with version and marker; a lock of several targets has several of one package."""

from __future__ import annotations

from pathlib import Path

from compatmatrix.errors import BadInput
from compatmatrix.manifests.format import Format
from compatmatrix.manifests.locked_rows import locked_rows
from compatmatrix.manifests.manifest import Entry, Manifest, Section
from compatmatrix.manifests.toml_lines import Lines, load, table, tables

_MAJORS = ("4",)


def read(path: Path, text: str) -> Manifest:
    """Raises BadInput for an unknown version of the format."""
    data, lines = load(path, text), Lines(text)
    version = str(table(data, "metadata").get("lock_version", ""))
    if version.partition(".")[0] not in _MAJORS:
        line = lines.key("metadata", "lock_version")
        raise BadInput(
            f"{path}:{line}: lock_version {version or 'missing'} of pdm.lock is not known",
            hint="make it anew with: pdm lock",
        )
    entries = [
        Entry(name, f"=={release}", place, str(row.get("marker") or row.get("markers") or ""))
        for name, release, place, row in locked_rows(path, data, lines)
    ]
    targets = tables(data, "metadata", "targets")
    pythons = {str(row.get("requires_python", "")) for row in targets}
    python = pythons.pop() if len(pythons) == 1 else ""
    return Manifest(path, (Section("", tuple(entries), python),))


FORMAT = Format("pdm.lock", read, relock="change pyproject.toml and run: pdm lock")
