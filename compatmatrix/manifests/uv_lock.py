"""uv.lock: every package with version, index and the markers of its fork."""

from __future__ import annotations

from pathlib import Path

from packaging.utils import canonicalize_name

from compatmatrix.errors import BadInput
from compatmatrix.manifests.format import Format
from compatmatrix.manifests.index_urls import BUILT, build_of
from compatmatrix.manifests.manifest import Entry, Manifest, Section
from compatmatrix.manifests.toml_lines import Lines, load, table, tables
from compatmatrix.model.finding import Place

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
    headers = list(lines.headers("package"))
    entries = []
    for number, row in enumerate(tables(data, "package")):
        name, version = row.get("name"), row.get("version")
        if not isinstance(name, str) or not isinstance(version, str):
            continue
        name = canonicalize_name(name)
        header = headers[number] if number < len(headers) else 1
        flavour = build_of(str(table(row, "source").get("registry", ""))) if name in BUILT else None
        markers = row.get("resolution-markers")
        marker = " or ".join(f"({one})" for one in markers) if isinstance(markers, list) else ""
        line = lines.key_below(header, "version")
        entries.append(Entry(name, f"=={version}", Place(str(path), line), marker, flavour, bool(flavour)))
    python = str(data.get("requires-python", ""))
    return Manifest(path, (Section("", tuple(entries), python),), locked=True)


FORMAT = Format("uv.lock", read, relock="change pyproject.toml and run: uv lock")
