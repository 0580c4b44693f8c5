from __future__ import annotations

from pathlib import Path

import pytest
from cases import SMALL

from .conftest import Ask


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "matrix.toml"
    path.write_text(SMALL)
    return path


def test_the_page_goes_to_stdout_or_into_a_file(ask: Ask, small: Path, tmp_path: Path) -> None:
    shown = ask("matrix", "html", "--matrix", small)
    assert (shown.status, shown.err) == (0, "")
    assert shown.out.startswith("<!DOCTYPE html>")
    assert ask("matrix", "html", "--matrix", small, "-o", "-").out == shown.out
    target = tmp_path / "page.html"
    target.write_text("the old file")
    assert ask("matrix", "html", "--matrix", small, "-o", target).out == ""
    assert target.read_text(encoding="utf-8") == shown.out


def test_what_goes_wrong_leaves_the_old_file(ask: Ask, small: Path, tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    target.write_text("the old file")
    small.write_text("schema = 1\n")
    assert ask("matrix", "html", "--matrix", small, "-o", target).status == 3
    assert target.read_text() == "the old file"
    small.write_text(SMALL)
    answer = ask("matrix", "html", "--matrix", small, "-o", tmp_path / "nowhere" / "page.html")
    assert answer.status == 3
    assert "there is no folder" in answer.err
