"""uv's answer, a pylock.toml (PEP 751), as packages."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from packaging.markers import Marker
from packaging.utils import canonicalize_name
from packaging.version import Version

from compatmatrix.errors import ToolFailed
from compatmatrix.lock.question import BOUND
from compatmatrix.model.lock import Package


def read_answer(text: str, bound_index: str) -> tuple[Package, ...]:
    """The packages, sorted by name, each with the hashes of the files that fit the target.

    bound_index: where the torch family came from, empty for the base index. Raises ToolFailed where the answer is
    not what we know how to read, or a file carries no sha256.
    """
    try:
        rows = tomllib.loads(text)["packages"]
        packages = [_package(row, bound_index) for row in rows]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ToolFailed(f"uv's answer cannot be read: {type(error).__name__}: {error}") from error
    bare = [
        f"{package.name} {package.version}: the index gives no sha256" for package in packages if not package.hashes
    ]
    if bare:
        raise ToolFailed(bare, hint="such packages cannot be installed by hash; use another index")
    return tuple(sorted(packages, key=lambda package: (package.name, package.version, package.marker)))


def _package(row: Mapping[str, Any], bound_index: str) -> Package:
    name = canonicalize_name(row["name"])
    hashes = sorted({f"sha256:{digest}" for digest in _digests(row)})
    index = bound_index if name in BOUND else ""
    # In packaging's spelling, so that a lock that is read back renders the same.
    marker = str(Marker(row["marker"])) if row.get("marker") else ""
    return Package(name, Version(row["version"]), tuple(hashes), marker, index)


def _digests(row: Mapping[str, Any]) -> Iterator[str]:
    files = [*row.get("wheels", ()), *([row["sdist"]] if "sdist" in row else [])]
    for file in files:
        if "sha256" in file.get("hashes", {}):
            yield file["hashes"]["sha256"]
