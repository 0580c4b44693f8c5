"""Errors of a report that no row of the table explains."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from compatmatrix.cli.main import cli
from compatmatrix.model.observed import Sign
from compatmatrix.probe.reports.not_known import MOST, not_known
from compatmatrix.probe.reports.text import clean


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RuntimeError: the sun is in the way", [(1, "RuntimeError: the sun is in the way")]),
        ("a\n>>> x\nsome.package.OddError: 3 of 4", [(3, "some.package.OddError: 3 of 4")]),
        ("E   ValueError: bad bad bad", [(1, "ValueError: bad bad bad")]),
        ("no Error: here in a sentence", []),
        ("accuracy 0.9, error: 3", []),
        ("FileNotFoundError", []),
        ("", []),
    ],
)
def test_lines(text: str, expected: list[tuple[int, str]]) -> None:
    assert list(not_known(clean(text), ())) == expected


def test_what_a_known_text_stands_near_is_left_out() -> None:
    lines = clean("OneError: first thing\n\n\n\n\nTwoError: second thing")
    assert list(not_known(lines, (Sign("any", 5),))) == [(1, "OneError: first thing")]


def test_the_last_ones_are_told_each_once() -> None:
    lines = clean("\n".join(f"OneError: thing number {number}\nAgainError: the same" for number in range(9)))
    told = list(not_known(lines, ()))
    assert len(told) == MOST
    assert told[-1] == (18, "AgainError: the same")


def test_it_is_shown_and_in_the_json(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    path.write_text('RuntimeError: Backend "x" is not one of the available ones\n', "utf-8")
    shown = CliRunner().invoke(cli, ["check", "--report", str(path)])
    assert 'not known:\n  line 1: RuntimeError: Backend "x"' in shown.output
    answer = json.loads(CliRunner().invoke(cli, ["check", "--report", str(path), "--json"]).output)
    assert answer["not_known"] == [{"line": 1, "text": 'RuntimeError: Backend "x" is not one of the available ones'}]
