"""pylock.toml (PEP 751): the lock file that uv and newer pip install, every file with its address and hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import compatmatrix
from compatmatrix.emit import toml
from compatmatrix.emit.format import Format
from compatmatrix.emit.header import comment
from compatmatrix.emit.python import requires_python
from compatmatrix.errors import BadInput
from compatmatrix.index import without_credentials
from compatmatrix.model.lock import File, Lock, Package

if TYPE_CHECKING:
    from packaging import pylock


def render(lock: Lock) -> str:
    """The lock by the standard's own objects, which check it, as TOML in a fixed order.

    Raises BadInput where the addresses of files are not known, as for a lock that was read from requirements.
    """
    bare = [f"{package.name} {package.version}" for package in lock.packages if not package.files]
    if bare:
        raise BadInput(
            f"pylock.toml names the address of every file, which is not known of {', '.join(bare)}",
            hint="leave out --offline, or use the requirements format",
        )
    data = _standard(lock).to_dict()
    return "\n".join([*comment(lock.decision), *_lines(data)]) + "\n"


def _standard(lock: Lock) -> pylock.Pylock:
    from packaging.pylock import Pylock
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    python = requires_python(lock.decision)
    result = Pylock(
        lock_version=Version("1.0"),
        requires_python=SpecifierSet(python) if python else None,
        created_by="compatmatrix",
        packages=[_package(package) for package in lock.packages],
        tool={"compatmatrix": _tool(lock)},
    )
    result.validate()
    return result


def _package(package: Package) -> pylock.Package:
    from packaging import pylock
    from packaging.markers import Marker
    from packaging.utils import canonicalize_name

    sources = [file for file in package.files if not file.is_wheel]
    return pylock.Package(
        name=canonicalize_name(package.name),
        version=package.version,
        marker=Marker(package.marker) if package.marker else None,
        index=without_credentials(package.index) or None,
        sdist=pylock.PackageSdist(**_file(sources[0])) if sources else None,
        wheels=[pylock.PackageWheel(**_file(file)) for file in package.files if file.is_wheel] or None,
    )


def _file(file: File) -> dict[str, Any]:
    kind, _, digest = file.digest.partition(":")
    return {"name": file.name, "url": file.url, "size": file.size, "hashes": {kind: digest}}


def _tool(lock: Lock) -> dict[str, Any]:
    return {
        "version": compatmatrix.__version__,
        "build": lock.decision.build,
        "matrix": lock.decision.matrix_digest,
    }


def _lines(data: Mapping[str, Any]) -> list[str]:
    """The standard's dictionary as lines; wheels one a line, so that a difference shows the file that changed."""
    lines = [
        f"{toml.key(name)} = {toml.value(item)}" for name, item in data.items() if name not in ("packages", "tool")
    ]
    for row in data["packages"]:
        lines += ["", "[[packages]]"]
        for name, item in row.items():
            wheels: Sequence[Any] = item if name == "wheels" else ()
            lines += toml.lines(name, wheels) if wheels else [f"{toml.key(name)} = {toml.value(item)}"]
    for name, table in data.get("tool", {}).items():
        lines += ["", f"[tool.{toml.key(name)}]"]
        lines += [f"{toml.key(field)} = {toml.value(item)}" for field, item in table.items()]
    return lines


FORMAT = Format("pylock", "pylock.toml", render, needs_files=True, universal=True)
