"""pipenv's Pipfile: packages and development packages, each from the source that it names.

Source of the notation: pipenv.pypa.io, "Pipfile & Pipfile.lock".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from compatmatrix.manifests.format import Format
from compatmatrix.manifests.index_urls import BUILT, build_of
from compatmatrix.manifests.manifest import Entry, Manifest, Section
from compatmatrix.manifests.requirements import same_specifier
from compatmatrix.manifests.toml_lines import Lines, load, table, tables
from compatmatrix.model.finding import Place

_TABLES = ("packages", "dev-packages")
_MARKERS = ("sys_platform", "platform_machine", "python_version", "os_name", "platform_system")


def read(path: Path, text: str) -> Manifest:
    """The packages as one section, and the development packages with them as another. Raises BadInput."""
    data, lines = load(path, text), Lines(text)
    requires = table(data, "requires")
    exact, minor = requires.get("python_full_version"), requires.get("python_version")
    python = f"=={exact}" if exact else f"=={minor}.*" if minor else ""
    base = tuple(_entries(path, data, lines, "packages"))
    more = tuple(_entries(path, data, lines, "dev-packages"))
    sections = [Section("", base, python), *([Section("group dev-packages", (*base, *more), python)] if more else [])]
    return Manifest(path, tuple(sections))


def _entries(path: Path, data: Mapping[str, Any], lines: Lines, section: str) -> Iterator[Entry]:
    sources = tables(data, "source")
    urls = {str(row.get("name", "")): str(row.get("url", "")) for row in sources}
    first = str(sources[0].get("url", "")) if sources else ""
    for given, row in table(data, section).items():
        name = canonicalize_name(given)
        values = row if isinstance(row, dict) else {"version": row}
        version = values.get("version", "*")
        if not isinstance(version, str) or {"git", "path", "file"} & values.keys():
            continue
        flavour = build_of(urls.get(str(values.get("index", "")), first)) if name in BUILT else None
        markers = [f"({values['markers']})"] if isinstance(values.get("markers"), str) else []
        markers += [f"{key} {values[key]}" for key in _MARKERS if isinstance(values.get(key), str)]
        place = Place(str(path), lines.key(section, given))
        specifier = "" if version == "*" else version
        yield Entry(name, specifier, place, " and ".join(markers), flavour, bool(flavour))


def edit(path: Path, text: str, changes: Mapping[str, str]) -> str:
    """The text with new specifiers, by tomlkit: comments and formatting stay. Raises BadInput."""
    load(path, text)
    import tomlkit

    document = tomlkit.parse(text)
    changed = False
    for section in _TABLES:
        rows = table(document, section)
        for given in list(rows):
            wanted, row = changes.get(canonicalize_name(given)), rows[given]
            old = row.get("version") if isinstance(row, dict) else row
            if wanted is None or not isinstance(old, str) or same_specifier("" if old == "*" else old, wanted):
                continue
            if isinstance(row, dict):
                row["version"] = wanted
            else:
                rows[given] = wanted
            changed = True
    return tomlkit.dumps(document) if changed else text


FORMAT = Format("Pipfile", read, edit)
