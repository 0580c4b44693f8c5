"""pdm.lock: every package with version and marker; a lock of several targets has several of one package."""

from __future__ import annotations

from pathlib import Path

from packaging.utils import canonicalize_name

from compatmatrix.errors import BadInput
from compatmatrix.manifests.format import Format
from compatmatrix.manifests.manifest import Entry, Manifest, Section
from compatmatrix.manifests.toml_lines import Lines, load, table, tables
from compatmatrix.model.finding import Place

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
    headers = list(lines.headers("package"))
    entries = []
    for number, row in enumerate(tables(data, "package")):
        name, release = row.get("name"), row.get("version")
        if isinstance(name, str) and isinstance(release, str):
            header = headers[number] if number < len(headers) else 1
            place = Place(str(path), lines.key_below(header, "version"))
            marker = str(row.get("marker") or row.get("markers") or "")
            entries.append(Entry(canonicalize_name(name), f"=={release}", place, marker))
    targets = tables(data, "metadata", "targets")
    pythons = {str(row.get("requires_python", "")) for row in targets}
    python = pythons.pop() if len(pythons) == 1 else ""
    return Manifest(path, (Section("", tuple(entries), python),), locked=True)


FORMAT = Format("pdm.lock", read, relock="change pyproject.toml and run: pdm lock")
