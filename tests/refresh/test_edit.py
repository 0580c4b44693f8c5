from __future__ import annotations

import json
import random
import re
import tomllib
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from cases import CHECKED, SMALL, row_line

from compatmatrix.errors import MatrixError
from compatmatrix.matrix.load import data_folder
from compatmatrix.refresh.change import Change, evident
from compatmatrix.refresh.edit import diff, edited

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


def row(text: str, table: str, number: int = -1) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(text)[table][number]
    return found


def test_nothing_to_do_changes_no_byte() -> None:
    for text in (COMMENTED, COMMENTED.rstrip("\n"), COMMENTED.replace("\n", "\r\n")):
        assert edited(text, [], [], "m.toml") == text


def test_every_old_line_stays_where_it_was() -> None:
    made = edited(COMMENTED, [TORCH, ("build", BUILD)], [], "m.toml")
    kept = iter(made.splitlines())
    assert all(any(line == new for new in kept) for line in COMMENTED.splitlines())
    assert [each["version"] for each in tomllib.loads(made)["torch"]] == ["2.7.0", "2.8.0", "2.9.0"]
    assert row(made, "build") == BUILD


def test_a_row_goes_behind_the_last_that_is_no_newer() -> None:
    between = ("torch", {"version": "2.7.1", **CHECKED})
    build = ("build", {**BUILD, "torch": "2.7.1", "build": "cu126"})
    tables = tomllib.loads(edited(SMALL, [between, build], [], "m.toml"))
    assert [each["version"] for each in tables["torch"]] == ["2.7.0", "2.7.1", "2.8.0"]
    assert [each["torch"] for each in tables["build"]] == ["2.7.0", "2.7.1", "2.8.0"]


def test_a_row_stands_before_the_comment_of_the_next_table() -> None:
    text = SMALL.replace("[[torchvision]]", "\n# torchvision and torchaudio\n\n[[torchvision]]", 1)
    made = edited(text, [TORCH, ("build", BUILD)], [], "m.toml")
    assert made.index("2.9.0") < made.index("# torchvision and torchaudio")
    assert "\n\n\n# torchvision and torchaudio\n\n[[torchvision]]" in made


def test_rows_that_continue_further_down_and_tables_within_rows() -> None:
    later = '\n[[fastai]]\nversion = "2.8.6"\nsource = "s"\nmethod = "inferred"\nchecked = "2024-01-31"\n'
    text = SMALL + later + '[fastai.requires]\ntorch = "<3"\n'
    new = {"version": "2.8.7", "requires": {"torch": ">=1.10,<3", "plum-dispatch": "<3"}, **CHECKED}
    made = edited(text, [("fastai", new)], [], "m.toml")
    assert made.startswith(text)
    assert row(made, "fastai") == new
    assert 'requires = { torch = ">=1.10,<3", plum-dispatch = "<3" }\n' in made


def test_a_set_cell_keeps_the_comments_around_it() -> None:
    text = SMALL.replace(
        'build = "cu128"\nplatform = "linux-x86_64"\nindex = "pypi"\npythons = ["3.10", "3.11"]\n',
        'build = "cu128" # the tag\nplatform = "linux-x86_64"\nindex = "pypi"\n'
        'pythons = [\n  "3.10", # the oldest\n  "3.12",\n] # all of them\n',
    )
    cells = {"pythons": ["3.10", "3.11", "3.12", "3.13"], "cudnn": "9.1.0", "checked": "2030-01-31"}
    made = edited(text, [], [Change("build", row(text, "build"), cells)], "m.toml")
    assert 'build = "cu128" # the tag\n' in made
    assert '"3.10", # the oldest\n' in made
    assert "] # all of them\n" in made
    assert row(made, "build") == {**row(text, "build"), **cells}
    assert made.index("cudnn") < made.index("source", made.index("cudnn"))
    assert made.replace(block_of(made, "build", 2), "") == text.replace(block_of(text, "build", 2), "")


def test_a_table_in_a_cell_grows_in_place() -> None:
    requires = {"torch": ">=1.10,<3", "spacy": "<4"}
    change = Change("fastai", row(SMALL, "fastai"), {"requires": requires})
    made = edited(SMALL, [], [change], "m.toml")
    assert row(made, "fastai")["requires"] == requires
    assert len(made.splitlines()) == len(SMALL.splitlines())


def test_line_ends_stay_as_they_are() -> None:
    text = SMALL.replace("\n", "\r\n")
    change = Change("build", row(text, "build"), {"pythons": ["3.10", "3.11", "3.12"], "nccl": "2.1"})
    made = edited(text, [TORCH, ("build", BUILD)], [change], "m.toml")
    assert not re.search(r"(?<!\r)\n", made)
    assert row(made, "build", 1)["nccl"] == "2.1"


@pytest.mark.parametrize(
    "new",
    [TORCH, ("build", {**BUILD, "torch": "9.9"}), ("build", {"torch": "2.8.0"})],
    ids=["torch without build", "build without torch", "columns missing"],
)
def test_a_faulty_result_is_refused(new: tuple[str, dict[str, object]]) -> None:
    with pytest.raises(MatrixError):
        edited(SMALL, [new], [], "m.toml")


def test_text_that_only_looks_like_a_row_is_refused_rather_than_edited() -> None:
    trap = '"""\n[[torch]]\nversion = "1.0"\n"""'
    text = SMALL.replace('name = "Ampere"\nsource = "made up"', f'name = "Ampere"\nsource = {trap}', 1)
    with pytest.raises(MatrixError, match="nothing was written"):
        edited(text, [], [Change("torch", row(text, "torch", 0), {"checked": "2030-01-31"})], "m.toml")


def test_diff_shows_what_was_added() -> None:
    made = edited(SMALL, [TORCH, ("build", BUILD)], [], "m.toml")
    shown = diff(SMALL, made, "m.toml").splitlines()
    assert '+version = "2.9.0"' in shown
    assert not [line for line in shown if line.startswith("-") and not line.startswith("---")]


@pytest.mark.parametrize("seed", range(2))
def test_the_real_file_is_edited_where_asked_and_nowhere_else(seed: int) -> None:
    """Random rows taken out and put back, random cells set: all other lines of the file are the same, in order."""
    rng = random.Random(seed)
    text = (data_folder() / "matrix.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    taken = [(name, each) for name in ("torchvision", "torchaudio", "fastai") for each in rng.sample(tables[name], 3)]
    cut = text
    for name, each in taken:
        cut = cut.replace(block_of(text, name, tables[name].index(each) + 1), "", 1)
    old = tomllib.loads(cut)
    changes = []
    for name in ("build", "torchvision", "fastai", "torch"):
        for each in rng.sample(old[name], 3):
            cells = {"checked": "2031-01-01", **dict(_cells(name, each, rng))}
            changes.append(Change(name, each, cells))
    added = [(name, evident(name, each, each["source"], each["method"], date(2031, 1, 1))) for name, each in taken]
    made = edited(cut, added, changes, "matrix.toml")
    touched = {
        line
        for change in changes
        for line in block_of(cut, change.table, old[change.table].index(change.row) + 1).splitlines()
    }
    waiting = iter(made.splitlines())
    assert all(any(line == new for new in waiting) for line in cut.splitlines() if line not in touched)
    new = tomllib.loads(made)
    for name, cells in added:
        assert cells in new[name]
    for change in changes:
        assert {**change.row, **change.cells} in new[change.table]
    assert sum(map(len, _lists(new))) == sum(map(len, _lists(tables)))
    assert [line for line in made.splitlines() if line.startswith("#")] == [
        line for line in text.splitlines() if line.startswith("#")
    ]


def _cells(name: str, each: dict[str, Any], rng: random.Random) -> Iterator[tuple[str, Any]]:
    if "pythons" in each:
        yield "pythons", [*each["pythons"], "3.99"]
    if name == "build":
        yield rng.choice([("cudnn", "9.99.0"), ("wheel", "manylinux_2_99_x86_64")])
    if name == "fastai":
        yield "requires", {**each.get("requires", {}), "made-up": json.loads('"<3"')}


def _lists(tables: dict[str, Any]) -> list[list[Any]]:
    return [rows for rows in tables.values() if isinstance(rows, list)]


def block_of(text: str, table: str, number: int) -> str:
    """The text of a row up to its last key, found by other means than the editor's."""
    lines = text.splitlines(keepends=True)
    begin = row_line(text, table, number) - 1
    end = begin + 1
    while end < len(lines) and lines[end].strip() and not lines[end].startswith("[["):
        end += 1
    return "".join(lines[begin:end])
