from __future__ import annotations

import json
import time
import zlib
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest
from cases import SMALL
from packaging.version import Version

from compatmatrix.errors import MatrixError
from compatmatrix.matrix import Matrix, load_matrix
from compatmatrix.matrix.load import compile_matrix, compiled_path, data_folder, digest
from compatmatrix.matrix.validate import parse_and_validate

REAL = data_folder() / "matrix.toml"


def answers(matrix: Matrix) -> dict[str, Any]:
    """Everything that can be asked of a matrix, read to the last row."""
    return {
        "torches": matrix.torches,
        "builds": [astuple(build) for builds in matrix.builds.values() for build in builds],
        "torchvisions": matrix.torchvisions,
        "torchaudios": matrix.torchaudios,
        "fastais": matrix.fastais,
        "limits": matrix.limits,
        "cudas": matrix.cudas,
        "families": matrix.families,
        "capabilities": matrix.capabilities,
        "gpus": matrix.gpus,
        "platforms": matrix.platforms,
        "digest": matrix.digest,
        "index": matrix.pytorch_index,
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The small matrix as a file."""
    path = tmp_path / "matrix.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def real_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real matrix with a fresh compiled form beside it."""
    path = tmp_path_factory.mktemp("real") / "matrix.toml"
    path.write_bytes(REAL.read_bytes())
    compiled_path(path).write_text(compile_matrix(path), encoding="utf-8")
    return path


def test_the_real_matrix_has_no_faults_and_every_row_can_be_read() -> None:
    found = answers(Matrix(parse_and_validate(REAL.read_bytes(), "matrix.toml"), ""))
    assert all(found[name] for name in found if name not in ("limits", "digest"))


def test_compiled_form_says_the_same(real_copy: Path) -> None:
    slow = Matrix(parse_and_validate(REAL.read_bytes(), "matrix.toml"), digest(REAL.read_bytes()))
    fast = load_matrix(real_copy)
    assert fast.tables == json.loads(json.dumps(slow.tables))
    assert answers(fast) == answers(slow)


def test_compiled_form_is_fast(real_copy: Path) -> None:
    """A few milliseconds on an idle machine, where the TOML file takes some hundred."""

    def load() -> float:
        load_matrix.cache_clear()
        start = time.process_time()
        load_matrix(real_copy)
        return time.process_time() - start

    fast = min(load() for _ in range(5))
    start = time.process_time()
    parse_and_validate(REAL.read_bytes(), "matrix.toml")
    slow = time.process_time() - start
    load_matrix.cache_clear()
    assert fast < 0.1
    assert fast * 3 < slow


def test_without_a_compiled_form(source: Path) -> None:
    assert list(load_matrix(source).torches) == [Version("2.8.0"), Version("2.7.0")]


def without_the_newest_torch(source: Path, **about: Any) -> str:
    """A compiled form that lacks a row of its file, so that a reader shows which of the two it took."""
    head, *lines = compile_matrix(source).split("\n")
    made = json.loads(head)
    number = made["tables"].index("torch")
    lines[number] = json.dumps(json.loads(lines[number])[:-1])
    body = "\n".join(lines)
    return json.dumps({**made, "body": zlib.crc32(body.encode()), **about}) + "\n" + body


def test_compiled_form_is_used(source: Path) -> None:
    compiled_path(source).write_text(without_the_newest_torch(source), encoding="utf-8")
    assert list(load_matrix(source).torches) == [Version("2.7.0")]


def test_a_cut_compiled_form_is_not_used(source: Path) -> None:
    compiled_path(source).write_text(without_the_newest_torch(source)[:-20], encoding="utf-8")
    assert next(iter(load_matrix(source).torches)) == Version("2.8.0")


def test_stale_compiled_form_is_not_used(source: Path) -> None:
    compiled_path(source).write_text(compile_matrix(source), encoding="utf-8")
    source.write_text(SMALL.replace("2.8.0", "2.8.1"), encoding="utf-8")  # the same size
    assert next(iter(load_matrix(source).torches)) == Version("2.8.1")


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{", "\x00\x01", '{"schema": 1}', '{"schema": 99}'],
    ids=["empty", "null", "list", "cut", "binary", "no checksum", "other schema"],
)
def test_broken_compiled_form_is_not_used(source: Path, text: str) -> None:
    compiled_path(source).write_text(text, encoding="utf-8")
    assert next(iter(load_matrix(source).torches)) == Version("2.8.0")


def test_compiled_form_of_another_schema_is_not_used(source: Path) -> None:
    compiled_path(source).write_text(without_the_newest_torch(source, schema=99), encoding="utf-8")
    assert next(iter(load_matrix(source).torches)) == Version("2.8.0")


def test_digest_does_not_depend_on_line_ends_or_on_the_form(source: Path) -> None:
    plain = load_matrix(source).digest
    compiled_path(source).write_text(compile_matrix(source), encoding="utf-8")
    load_matrix.cache_clear()
    assert load_matrix(source).digest == plain
    source.write_bytes(SMALL.replace("\n", "\r\n").encode())
    load_matrix.cache_clear()
    assert load_matrix(source).digest == plain
    assert plain.startswith("sha256:")


def test_faults_are_not_compiled(source: Path) -> None:
    source.write_text(SMALL.replace('name = "Ampere"\n', ""), encoding="utf-8")
    with pytest.raises(MatrixError, match="'name' is missing"):
        compile_matrix(source)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MatrixError, match="No such file") as caught:
        load_matrix(tmp_path / "nowhere.toml")
    assert "--matrix" in caught.value.hint


def test_a_folder_is_no_matrix(tmp_path: Path) -> None:
    with pytest.raises(MatrixError):
        load_matrix(tmp_path)
