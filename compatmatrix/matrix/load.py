"""Finding and reading the matrix: the compiled form where it is fresh, else the TOML file itself.

The compiled form is JSON beside the TOML file, made when the wheel is built. It holds the checksum of the file it
was made from, so an edited `matrix.toml` takes effect at once: slower to read, never ignored.
"""

from __future__ import annotations

import json
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from compatmatrix.errors import MatrixError
from compatmatrix.matrix.matrix import Matrix

_PACKAGE = Path(__file__).resolve().parent.parent
COMPILED_SCHEMA = 1


def data_folder() -> Path:
    """Where `matrix.toml` and `proofs/` lie: inside the installed package, or at the top of a checkout."""
    inside = _PACKAGE / "_data"
    return inside if inside.is_dir() else _PACKAGE.parent / "data"


def compiled_path(source: Path) -> Path:
    """Where the compiled form of a matrix file lies."""
    return source.with_suffix(".json")


@lru_cache(maxsize=4)
def load_matrix(path: Path | None = None) -> Matrix:
    """The shipped matrix, or the one in the given file (checked first). Raises MatrixError with all faults."""
    source = path or data_folder() / "matrix.toml"
    try:
        raw = source.read_bytes()
    except OSError as error:
        raise MatrixError(f"{source}: {error.strerror or error}", hint="name a file with --matrix FILE") from error
    compiled = _read_compiled(compiled_path(source), raw)
    if compiled is not None:
        return Matrix(compiled["tables"], compiled["digest"])
    from compatmatrix.matrix.validate import parse_and_validate

    return Matrix(parse_and_validate(raw, str(source)), digest(raw))


def compile_matrix(source: Path) -> str:
    """The compiled form of a matrix file, as text. Raises MatrixError where the file has faults."""
    from compatmatrix.matrix.validate import parse_and_validate

    raw = source.read_bytes()
    compiled = {
        "schema": COMPILED_SCHEMA,
        "size": len(raw),
        "crc32": zlib.crc32(raw),
        "digest": digest(raw),
        "tables": parse_and_validate(raw, str(source)),
    }
    return json.dumps(compiled, separators=(",", ":"), ensure_ascii=False, default=str)


def digest(raw: bytes) -> str:
    """The matrix's digest as locks and proofs name it; line ends do not count."""
    import hashlib

    return "sha256:" + hashlib.sha256(raw.replace(b"\r\n", b"\n")).hexdigest()


def _read_compiled(path: Path, raw: bytes) -> dict[str, Any] | None:
    # The checksum guards against a stale form, not against an attacker, so a cheap one does; hashlib alone
    # takes longer to import than all the rest of loading.
    try:
        compiled = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(compiled, dict) or compiled.get("schema") != COMPILED_SCHEMA:
        return None
    fresh = compiled.get("size") == len(raw) and compiled.get("crc32") == zlib.crc32(raw)
    return compiled if fresh else None
