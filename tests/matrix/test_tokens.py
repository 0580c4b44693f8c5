"""The file of error texts, and its loader's complaints."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import CODES

from compatmatrix.errors import MatrixError
from compatmatrix.matrix import load_matrix
from compatmatrix.matrix.load import data_folder
from compatmatrix.matrix.tokens import compile_pattern, load_tokens
from compatmatrix.model.cuda import Cuda

ASKS = {
    "torch",
    "build",
    "gpu",
    "driver",
    "python",
    "os",
    "libc",
    "torchvision",
    "torchaudio",
    "fastai",
    "fastcore",
    "numpy",
    "pillow",
    "library-path",
    "image",
    "installer",
}
# A driver that has left a GPU behind is told by numbers, never by an error text.
TOLD_BY_TEXT = CODES - {"driver-too-new"}


def test_codes_and_questions_are_those_of_the_contract() -> None:
    for token in load_tokens().tokens.values():
        assert not token.code or token.code in TOLD_BY_TEXT
        assert set(token.explained_by) <= TOLD_BY_TEXT
        assert not token.ask or token.ask in ASKS


def test_old_facts_do_not_contradict_the_matrix() -> None:
    """Where the matrix has the same release, both name one driver branch; a torch is in one of the two, or agrees."""
    matrix, tokens = load_matrix(), load_tokens()
    for cuda, old in tokens.cudas.items():
        row = matrix.cudas.get(cuda)
        for system, driver in old.drivers.items():
            if row and system in row.drivers:
                assert row.drivers[system].major == driver.major
    for torch, known in tokens.torches.items():
        build = matrix.default_build(torch, "linux-x86_64")
        assert build is None or build.cuda == known.cuda


def test_a_space_stands_for_any_white_space() -> None:
    pattern = compile_pattern("driver is ?too old")
    assert pattern.search("the Driver\n  is\ttoo  old")
    assert pattern.search("driver istoo old")
    assert not pattern.search("driver isn't too old")


def test_drivers_by_release() -> None:
    assert str(load_tokens().cudas[Cuda(10, 1)].drivers["linux"]) == "418.39"


def broken(tmp_path: Path, old: str, new: str) -> list[str]:
    source = (data_folder() / "tokens.toml").read_text("utf-8")
    assert old in source
    path = tmp_path / "tokens.toml"
    path.write_text(source.replace(old, new, 1), "utf-8")
    with pytest.raises(MatrixError) as caught:
        load_tokens(path)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("schema = 1", "schema = 7", "schema is 7"),
        ('certainty = "certain"', 'certainty = "sure"', "'sure' is not one of"),
        ('name = "driver-found-version"', 'name = "libcuda-symbol"', "duplicate"),
        ("pattern = 'Driver/library", "pattern = '(Driver/library", "no regular expression"),
        ("pattern = 'Driver/library version mismatch'", "pattern = '.*'", "empty text"),
        ('checked = "2026-11-21"', 'checked = "yesterday"', "is not a date"),
        ('cuda = "9.0"', 'cuda = "nine"', "is not a CUDA version"),
        ('means = "the NVIDIA driver', 'meens = "the NVIDIA driver', "'means' is missing"),
    ],
)
def test_faults_are_told(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert any(words in problem for problem in broken(tmp_path, old, new))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(MatrixError, match="No such file"):
        load_tokens(tmp_path / "nowhere.toml")
