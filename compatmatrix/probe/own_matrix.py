"""The user's own copy of the matrix, which `matrix refresh` writes: where it lies, and whether it still counts.

It counts as long as it was made from the matrix that is shipped with this very tool. After an upgrade the shipped
one may know more, or know better, so an older copy is set aside until it is refreshed again.
"""

from __future__ import annotations

import os
import sys
import zlib
from pathlib import Path
from typing import NamedTuple

from compatmatrix.matrix.load import data_folder

_BASE = "# Refreshed by compatmatrix, from its own matrix of "


class InForce(NamedTuple):
    """The matrix that commands judge by where none is named. aside: a copy that does not count any more."""

    path: Path
    aside: Path | None


def shipped_matrix() -> Path:
    """The matrix that came with the tool."""
    return data_folder() / "matrix.toml"


def own_matrix() -> Path:
    """Where the user's copy lies, whether there is one or not."""
    named = os.environ.get("XDG_DATA_HOME", "")
    if named and Path(named).is_absolute():
        base = Path(named)
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library/Application Support"
    else:
        base = Path.home() / ".local/share"
    return base / "compatmatrix" / "matrix.toml"


def matrix_in_force() -> InForce:
    """The user's copy if it counts, else the shipped matrix. A file that cannot be read does not count."""
    shipped = shipped_matrix()
    try:
        own = own_matrix()
        with own.open(encoding="utf-8", newline="") as stream:
            first = stream.readline(200)
    except (OSError, RuntimeError, UnicodeDecodeError):
        return InForce(shipped, None)
    return InForce(own, None) if first == base_line(shipped) else InForce(shipped, own)


def base_line(shipped: Path) -> str:
    """The first line of a copy, which says what it was made from. Raises OSError.

    A checksum against mistakes, not against an attacker: who can write the copy can write the line.
    """
    raw = shipped.read_bytes()
    return f"{_BASE}{len(raw)} bytes, crc32 {zlib.crc32(raw):08x}.\n"


def with_base(text: str, shipped: Path) -> str:
    """The text of a copy that counts from now on."""
    return base_line(shipped) + (text.partition("\n")[2] if text.startswith(_BASE) else text)
