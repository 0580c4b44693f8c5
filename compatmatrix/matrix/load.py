"""Finding and reading the matrix: the compiled form where it is fresh, else the TOML file itself.

The compiled form lies beside the TOML file and is made when the wheel is built: a line of JSON about it, then one line
a table, of which only those are read that somebody asks for. It holds the checksum of the file it was made from, so
an edited `matrix.toml` takes effect at once: slower to read, never ignored.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from compatmatrix.errors import MatrixError
from compatmatrix.matrix.matrix import Matrix

_PACKAGE = Path(__file__).resolve().parent.parent
COMPILED_SCHEMA = 2


def data_folder() -> Path:
    """Where `matrix.toml` and `proofs/` lie: inside the installed package, or at the top of a checkout."""
    inside = _PACKAGE / "_data"
    return inside if inside.is_dir() else _PACKAGE.parent / "data"


def compiled_path(source: Path) -> Path:
    """Where the compiled form of a file of data lies."""
    return source.with_suffix(".json")


@lru_cache(maxsize=4)
def load_matrix(path: Path | None = None) -> Matrix:
    """The shipped matrix, or the one in the given file (checked first). Raises MatrixError with all faults."""
    source = path or data_folder() / "matrix.toml"
    try:
        raw = source.read_bytes()
    except OSError as error:
        raise MatrixError(f"{source}: {error.strerror or error}", hint="name a file with --matrix FILE") from error
    compiled = read_compiled(compiled_path(source), raw)
    if compiled is not None:
        return Matrix(*compiled)
    from compatmatrix.matrix.validate import parse_and_validate

    return Matrix(parse_and_validate(raw, str(source)), digest(raw))


def compile_matrix(source: Path) -> str:
    """The compiled form of a matrix file, as text. Raises MatrixError where the file has faults."""
    from compatmatrix.matrix.validate import parse_and_validate

    raw = source.read_bytes()
    return compiled_form(raw, parse_and_validate(raw, str(source)))


def compiled_form(raw: bytes, tables: Mapping[str, Any]) -> str:
    """The compiled form of a file's tables, as text. raw: the file, by which the form is later known to be fresh."""
    lines = [json.dumps(table, separators=(",", ":"), default=str) for table in tables.values()]
    body = "\n".join(lines)
    about = {
        "schema": COMPILED_SCHEMA,
        "size": len(raw),
        "crc32": zlib.crc32(raw),
        "body": zlib.crc32(body.encode()),
        "digest": digest(raw),
        "tables": list(tables),
    }
    return f"{json.dumps(about)}\n{body}"


def digest(raw: bytes) -> str:
    """The matrix's digest as locks and proofs name it; line ends do not count."""
    import hashlib

    return "sha256:" + hashlib.sha256(raw.replace(b"\r\n", b"\n")).hexdigest()


class _Tables(Mapping[str, Any]):
    """The tables of a compiled form, each read when it is first asked for."""

    def __init__(self, lines: Mapping[str, bytes]) -> None:
        self._lines = lines
        self._read: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._read:
            self._read[name] = json.loads(self._lines[name])
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)


def read_compiled(path: Path, raw: bytes) -> tuple[Mapping[str, Any], str] | None:
    """The tables of a compiled form and the digest of its file; None where it is missing, cut, or of another file."""
    # The checksums guard against a stale or cut form, not against an attacker, so cheap ones do; hashlib alone
    # takes longer to import than all the rest of loading.
    try:
        head, _, body = path.read_bytes().partition(b"\n")
        about = json.loads(head)
    except (OSError, ValueError):
        return None
    if not isinstance(about, dict) or about.get("schema") != COMPILED_SCHEMA:
        return None
    if about.get("size") != len(raw) or about.get("crc32") != zlib.crc32(raw) or about.get("body") != zlib.crc32(body):
        return None
    return _Tables(dict(zip(about["tables"], body.split(b"\n"), strict=True))), about["digest"]
