from __future__ import annotations

import os
from pathlib import Path

import pytest
from cases import SMALL
from serve_index import serve, wheel

from .conftest import Ask

TAG = "cp311-cp311-manylinux_2_28_x86_64"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "matrix.toml"
    path.write_text(SMALL)
    return path


def test_an_index_in_trouble_leaves_the_file_as_it_was(ask: Ask, small: Path) -> None:
    with serve() as index:
        index.add("simple", wheel("torch", "2.9.0", tag=TAG))
        answer = ask("matrix", "refresh", small, "-o", small, "--index", "pypi", "--index-url", index.url("simple"))
    assert (answer.status, answer.out) == (3, "")
    assert "error[index-unavailable]" in answer.err
    assert small.read_text() == SMALL


def test_a_broken_matrix_is_refused_before_anything_is_asked(ask: Ask, small: Path) -> None:
    small.write_text(SMALL.replace('kind = "datacenter"', ""))
    answer = ask("matrix", "refresh", small, "--index-url", "http://127.0.0.1:9/simple")
    assert answer.status == 3
    assert "kind" in answer.err


@pytest.mark.network
@pytest.mark.slow
def test_the_shipped_matrix_agrees_with_the_index(ask: Ask) -> None:
    data = ask("matrix", "verify", "--online", "--json", "--index-url", os.environ.get("TEST_INDEX_URL", "")).json
    assert data["differences"] == []
