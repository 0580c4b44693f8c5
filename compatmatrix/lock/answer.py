"""uv's answer, a pylock.toml (PEP 751), as packages."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from packaging.markers import Marker
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from compatmatrix.errors import ToolFailed
from compatmatrix.index import fits_any, without_credentials
from compatmatrix.lock.question import BOUND
from compatmatrix.model.lock import File, Package


class Platforms(NamedTuple):
    """What an answer for several platforms is for. python: "cp312". names: "linux-x86_64", …"""

    python: str
    names: tuple[str, ...]


def read_answer(text: str, bound_index: str, *, universal: Platforms | None = None) -> tuple[Package, ...]:
    """The packages, sorted by name, each with the hashes of the files that fit the target.

    bound_index: where the torch family came from, empty for the base index. universal: that holds for builds with a
    local version only, other platforms having PyPI's; uv then names the wheels of every platform and of later Pythons.
    Raises ToolFailed where the answer is not what we know how to read, or a file carries no sha256.
    """
    try:
        rows = tomllib.loads(text)["packages"]
        packages = [_package(row, bound_index, universal) for row in rows]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ToolFailed(f"uv's answer cannot be read: {type(error).__name__}: {error}") from error
    bare = [
        f"{package.name} {package.version}: the index gives no sha256" for package in packages if not package.hashes
    ]
    if bare:
        raise ToolFailed(bare, hint="such packages cannot be installed by hash; use another index")
    return tuple(sorted(packages, key=lambda package: (package.name, package.version, package.marker)))


def _package(row: Mapping[str, Any], bound_index: str, universal: Platforms | None) -> Package:
    name = canonicalize_name(row["name"])
    files = tuple(sorted(file for file in _files(row) if universal is None or _fits(file, universal)))
    hashes = sorted({file.digest for file in files})
    version = Version(row["version"])
    bound = bound_index if name in BOUND and (version.local or not universal) else ""
    # In packaging's spelling, so that a lock that is read back renders the same.
    marker = str(Marker(row["marker"])) if row.get("marker") else ""
    return Package(name, version, tuple(hashes), marker, bound, files)


def _fits(file: File, wanted: Platforms) -> bool:
    if not file.is_wheel:
        return True
    try:
        tags = parse_wheel_filename(file.name)[3]
    except InvalidWheelFilename:
        return True
    return fits_any((tag for tag in tags if "musllinux" not in tag.platform), wanted.python, wanted.names)


def _files(row: Mapping[str, Any]) -> Iterator[File]:
    """The files that uv names: wheels, and the source where there is no wheel that fits or it may be built."""
    for file in [*row.get("wheels", ()), *([row["sdist"]] if "sdist" in row else [])]:
        if "sha256" in file.get("hashes", {}):
            url = without_credentials(file.get("url", ""))
            name = file.get("name") or unquote(url.rpartition("/")[2].partition("#")[0])
            yield File(name, url, f"sha256:{file['hashes']['sha256']}", file.get("size"))
