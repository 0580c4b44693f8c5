"""pylock.toml (PEP 751), validated by packaging's own reader where the installed packaging has one."""

from __future__ import annotations

from pathlib import Path

from packaging.utils import canonicalize_name

from compatmatrix.errors import BadInput
from compatmatrix.manifests.format import Format
from compatmatrix.manifests.index_urls import BUILT, build_of
from compatmatrix.manifests.manifest import Entry, Manifest, Section
from compatmatrix.manifests.toml_lines import Lines, load, tables
from compatmatrix.model.finding import Place

_MAJOR = "1"


def read(path: Path, text: str) -> Manifest:
    """Raises BadInput for an unknown lock-version and for what PEP 751 does not allow."""
    data, lines = load(path, text), Lines(text)
    version = str(data.get("lock-version", ""))
    if version.partition(".")[0] != _MAJOR:
        line = lines.key_below(0, "lock-version") or 1
        raise BadInput(
            f"{path}:{line}: lock-version {version or 'missing'} of pylock.toml is not known",
            hint="update compatmatrix",
        )
    _validate(path, data)
    headers = list(lines.headers("packages"))
    entries = []
    for number, row in enumerate(tables(data, "packages")):
        name, release = row.get("name"), row.get("version")
        if isinstance(name, str) and isinstance(release, str):
            name = canonicalize_name(name)
            place = Place(str(path), lines.key_below(headers[number] if number < len(headers) else 1, "version"))
            flavour = build_of(str(row.get("index", ""))) if name in BUILT else None
            marker = str(row.get("marker", ""))
            entries.append(Entry(name, f"=={release}", place, marker, flavour, bool(flavour)))
    return Manifest(path, (Section("", tuple(entries), str(data.get("requires-python", ""))),))


def _validate(path: Path, data: dict[str, object]) -> None:
    try:
        from packaging.pylock import Pylock, PylockValidationError
    except ImportError:
        return
    try:
        Pylock.from_dict(data)
    except PylockValidationError as error:
        raise BadInput(f"{path}: not a valid pylock.toml: {error}") from error


FORMAT = Format("pylock.toml", read, relock="make it anew with: compatmatrix lock -f pylock, or the tool that wrote it")
