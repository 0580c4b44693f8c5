"""What uv.lock, poetry.lock and pdm.lock have in common: their [[package]] rows, and a version of the format."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name

from compatmatrix.errors import BadInput
from compatmatrix.manifests.toml_lines import Lines, table, tables
from compatmatrix.model.finding import Place


class LockedRow(NamedTuple):
    """One locked package. name: normalised; release: as written; place: of its version; row: all its keys."""

    name: str
    release: str
    place: Place
    row: dict[str, Any]


def locked_rows(path: Path, data: dict[str, Any], lines: Lines) -> Iterator[LockedRow]:
    """Every [[package]] with a name and a version, in the file's order."""
    headers = list(lines.headers("package"))
    for number, row in enumerate(tables(data, "package")):
        name, release = row.get("name"), row.get("version")
        if isinstance(name, str) and isinstance(release, str):
            header = headers[number] if number < len(headers) else 1
            place = Place(str(path), lines.key_below(header, "version"))
            yield LockedRow(canonicalize_name(name), release, place, row)


def need_known_format(
    path: Path, data: dict[str, Any], lines: Lines, *, tool: str, key: str, majors: Collection[str]
) -> None:
    """Raises BadInput where [metadata] names no version of the format, by this key, whose major is known."""
    version = str(table(data, "metadata").get(key, ""))
    if version.partition(".")[0] not in majors:
        raise BadInput(
            f"{path}:{lines.key('metadata', key)}: {key} {version or 'missing'} of {tool}.lock is not known",
            hint=f"make it anew with: {tool} lock",
        )
