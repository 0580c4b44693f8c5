"""Error texts and what they imply, from `data/tokens.toml`; and the few facts of releases older than the matrix.

Loaded only when a report is read: nothing else needs it. Its compiled form (see `load`) also holds the words that a
report must have before a pattern is tried at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from packaging.version import Version

from compatmatrix.errors import MatrixError
from compatmatrix.matrix.literals import literals
from compatmatrix.matrix.load import compiled_form, compiled_path, data_folder, read_compiled
from compatmatrix.matrix.rows import CudaRelease, Row, evidence, version
from compatmatrix.matrix.schema import EVIDENCE, EVIDENCE_CHECKS, Check, cuda, name, spec, text
from compatmatrix.matrix.schema import version as a_version
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.finding import Evidence

SCHEMA = 1


class Token(NamedTuple):
    """One error text. code: empty for a symptom, which means something only together with facts (see the file)."""

    name: str
    pattern: str
    literals: tuple[str, ...]
    code: str
    certain: bool
    packages: tuple[str, ...]
    explained_by: tuple[str, ...]
    needs: dict[str, str]
    means: str
    hint: str
    ask: str
    evidence: Evidence

    def search(self, text: str, lower: str) -> re.Match[str] | None:
        """The first place of the text in a report. lower: the same report in lower case."""
        if self.literals and not any(piece in lower for piece in self.literals):
            return None
        return compile_pattern(self.pattern).search(text)


class OldTorch(NamedTuple):
    """A torch older than the matrix. cuda: of PyPI's own Linux wheel. torchvision: that came out with it."""

    version: Version
    cuda: Cuda
    torchvision: Version
    evidence: Evidence


class Tokens(NamedTuple):
    """The whole file, in its order."""

    tokens: dict[str, Token]
    cudas: dict[Cuda, CudaRelease]
    torches: dict[Version, OldTorch]


@cache
def compile_pattern(source: str) -> re.Pattern[str]:
    """A pattern as the file writes it: a space stands for any white space, case does not count."""
    return re.compile(source.replace(" ?", r"\s*").replace(" ", r"\s+"), re.IGNORECASE | re.DOTALL)


@lru_cache(maxsize=2)
def load_tokens(path: Path | None = None) -> Tokens:
    """The shipped file, or the given one. Raises MatrixError with every fault."""
    source = path or data_folder() / "tokens.toml"
    try:
        raw = source.read_bytes()
    except OSError as error:
        raise MatrixError(f"{source}: {error.strerror or error}") from error
    compiled = read_compiled(compiled_path(source), raw)
    tables = compiled[0] if compiled else _parse(raw, source)
    return Tokens(
        {row["name"]: _token(row) for row in tables["token"]},
        {release.cuda: release for release in map(CudaRelease.read, reversed(tables["old-cuda"]))},
        {version(row["version"]): _old_torch(row) for row in tables["old-torch"]},
    )


def compile_tokens(source: Path) -> str:
    """The compiled form of a file of error texts. Raises MatrixError where the file has faults."""
    raw = source.read_bytes()
    return compiled_form(raw, _parse(raw, source))


def _parse(raw: bytes, source: Path) -> dict[str, Any]:
    """The tables of a file, checked, each error text with its literals."""
    import tomllib

    try:
        tables = tomllib.loads(raw.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MatrixError(f"{source}: {error}") from error
    faults = list(_faults(tables))
    if faults:
        raise MatrixError([f"{source}: {fault}" for fault in faults])
    for row in tables["token"]:
        row["literals"] = literals(row["pattern"])
    return tables


def _token(row: Row) -> Token:
    return Token(
        row["name"],
        row["pattern"],
        tuple(row["literals"]),
        row.get("code", ""),
        row.get("certainty") == "certain",
        tuple(row["packages"]),
        tuple(row.get("explained-by", ())),
        dict(row.get("needs", {})),
        row["means"],
        row.get("hint", ""),
        row.get("ask", ""),
        evidence(row),
    )


def _old_torch(row: Row) -> OldTorch:
    return OldTorch(version(row["version"]), Cuda.parse(row["cuda"]), version(row["torchvision"]), evidence(row))


def _pattern(value: Any) -> str | None:
    if not isinstance(value, str):
        return "expected a regular expression"
    try:
        compiled = compile_pattern(value)
    except re.error as error:
        return f"no regular expression: {error}"
    return "matches the empty text" if compiled.match("") else None


def _names(value: Any) -> str | None:
    if not isinstance(value, list):
        return "expected a list"
    return next((problem for problem in map(name, value) if problem), None)


def _specs(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "expected a table of packages"
    return next((problem for problem in map(spec, value.values()) if problem), None)


def _certainty(value: Any) -> str | None:
    return None if value in ("certain", "likely") else f"{value!r} is not one of certain, likely"


_SHAPES: dict[str, tuple[dict[str, Check], dict[str, Check]]] = {
    "token": (
        {"name": name, "pattern": _pattern, "packages": _names, "means": text},
        {"code": name, "certainty": _certainty, "explained-by": _names, "needs": _specs, "hint": text, "ask": text},
    ),
    "old-cuda": ({"version": cuda, "driver-linux": a_version, "driver-windows": a_version}, {}),
    "old-torch": ({"version": a_version, "cuda": cuda, "torchvision": a_version}, {}),
}


def _faults(tables: Mapping[str, Any]) -> Iterator[str]:
    if tables.get("schema") != SCHEMA:
        yield f"schema is {tables.get('schema')!r}, expected {SCHEMA}"
    for table, (required, optional) in _SHAPES.items():
        rows = tables.get(table)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            yield f"{table}: expected an array of tables [[{table}]]"
            continue
        seen: set[Any] = set()
        checks = {**required, **optional, **EVIDENCE_CHECKS}
        for number, row in enumerate(rows, start=1):
            place = f"[[{table}]] row {number}"
            for key in (*required, *EVIDENCE):
                if key not in row:
                    yield f"{place}: {key!r} is missing"
            for key, value in row.items():
                problem = checks[key](value) if key in checks else "unknown column"
                if problem:
                    yield f"{place}: {key}: {problem}"
            key_value = row.get("name", row.get("version"))
            if str(key_value) in seen:
                yield f"{place}: duplicate of {key_value}"
            seen.add(str(key_value))
            if table == "token" and row.get("code") and not row.get("certainty"):
                yield f"{place}: a code without certainty"
    for table in tables.keys() - _SHAPES.keys() - {"schema"}:
        yield f"unknown table {table!r}"
