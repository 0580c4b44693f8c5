"""uv.lock: every package with version, index and the markers of its fork."""

from __future__ import annotations

from pathlib import Path

from compatmatrix.errors import BadInput
from compatmatrix.manifests.format import Format
from compatmatrix.manifests.index_urls import BUILT, build_of
from compatmatrix.manifests.locked_rows import locked_rows
from compatmatrix.manifests.manifest import Entry, Manifest, Section
from compatmatrix.manifests.toml_lines import Lines, load, table

_VERSIONS = (1,)
"""Of the format: uv reads a later one only where it is a later revision of the same."""


def read(path: Path, text: str) -> Manifest:
    """Raises BadInput for an unknown version of the format."""
    data, lines = load(path, text), Lines(text)
    if data.get("version") not in _VERSIONS:
        line = lines.key_below(0, "version") or 1
        raise BadInput(
            f"{path}:{line}: version {data.get('version')!r} of uv.lock is not known",
            hint="update compatmatrix, or check the environment that was made from it",
        )
    entries = []
    for name, release, place, row in locked_rows(path, data, lines):
        flavour = build_of(str(table(row, "source").get("registry", ""))) if name in BUILT else None
        markers = row.get("resolution-markers")
        marker = " or ".join(f"({one})" for one in markers) if isinstance(markers, list) else ""
        entries.append(Entry(name, f"=={release}", place, marker, flavour, bool(flavour)))
    python = str(data.get("requires-python", ""))
    return Manifest(path, (Section("", tuple(entries), python),))


FORMAT = Format("uv.lock", read, relock="change pyproject.toml and run: uv lock")
