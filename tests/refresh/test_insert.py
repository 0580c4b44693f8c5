from __future__ import annotations

import tomllib

import pytest
from cases import CHECKED, SMALL

from compatmatrix.errors import MatrixError
from compatmatrix.refresh.insert import diff, insert

COMMENTED = SMALL.replace('[[torch]]\nversion = "2.8.0"', '# about 2.8\n[[torch]]\nversion = "2.8.0" # newest', 1)
TORCH = ("torch", {"version": "2.9.0", **CHECKED})
BUILD = {
    "torch": "2.9.0",
    "build": "cu128",
    "platform": "linux-x86_64",
    "index": "pypi",
    "pythons": ["3.11"],
    "wheel": "manylinux_2_28_x86_64",
    **CHECKED,
}


def test_nothing_to_add_changes_no_byte() -> None:
    assert insert(COMMENTED, [], "m.toml") == COMMENTED


def test_every_old_line_stays_where_it_was() -> None:
    made = insert(COMMENTED, [TORCH, ("build", BUILD)], "m.toml")
    kept = iter(made.splitlines())
    assert all(any(line == new for new in kept) for line in COMMENTED.splitlines())
    tables = tomllib.loads(made)
    assert [row["version"] for row in tables["torch"]] == ["2.7.0", "2.8.0", "2.9.0"]
    assert tables["build"][-1] == BUILD


def test_a_row_goes_behind_the_last_that_is_no_newer() -> None:
    between = ("torch", {"version": "2.7.1", **CHECKED})
    build = ("build", {**BUILD, "torch": "2.7.1", "build": "cu126"})
    tables = tomllib.loads(insert(SMALL, [between, build], "m.toml"))
    assert [row["version"] for row in tables["torch"]] == ["2.7.0", "2.7.1", "2.8.0"]
    assert [row["torch"] for row in tables["build"]] == ["2.7.0", "2.7.1", "2.8.0"]


def test_nested_tables_survive() -> None:
    row = {"version": "2.8.5", "python": ">=3.10", "requires": {"torch": ">=1.10,<2.10", "plum-dispatch": "<3"}}
    tables = tomllib.loads(insert(SMALL, [("fastai", {**row, **CHECKED})], "m.toml"))
    assert tables["fastai"][-1] == {**row, **CHECKED}


@pytest.mark.parametrize(
    "row",
    [("torch", {"version": "2.9.0", **CHECKED}), ("build", {**BUILD, "torch": "9.9"}), ("build", {"torch": "2.8.0"})],
    ids=["torch without build", "build without torch", "columns missing"],
)
def test_a_faulty_result_is_refused(row: tuple[str, dict[str, object]]) -> None:
    with pytest.raises(MatrixError):
        insert(SMALL, [row], "m.toml")


def test_diff_shows_what_was_added() -> None:
    made = insert(SMALL, [TORCH, ("build", BUILD)], "m.toml")
    shown = diff(SMALL, made, "m.toml").splitlines()
    assert '+version = "2.9.0"' in shown
    assert not [line for line in shown if line.startswith("-") and not line.startswith("---")]
