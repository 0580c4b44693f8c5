from __future__ import annotations

import json
from pathlib import Path

import pytest

from compatmatrix.errors import BadInput
from compatmatrix.model.decision import ProofMark
from compatmatrix.model.proof import ProofLevel
from compatmatrix.resolve.proven import INDEX, ProofRow, load_proofs, load_rows

ROW = {
    "python": "3.11",
    "platform": "linux-x86_64",
    "libc": "glibc 2.35",
    "stack": {"fastai": "2.8.4", "torch": "2.8.0", "torchvision": "0.23.0"},
    "build": "cpu@pytorch",
    "level": "trained-cpu",
    "record": "one",
    "lock": "sha256:made-up",
}


def test_no_folder_no_proofs(tmp_path: Path) -> None:
    assert load_proofs(tmp_path / "nowhere") == {}


def test_filed_by_versions(tmp_path: Path) -> None:
    rows = [ROW, {**ROW, "build": "cu128@pypi", "level": "trained-gpu"}]
    (tmp_path / INDEX).write_text(json.dumps({"proofs": rows}))
    (found,) = load_proofs(tmp_path).items()
    assert found == (
        ("linux-x86_64", "fastai==2.8.4", "torch==2.8.0", "torchvision==0.23.0"),
        [
            ("3.11 cpu@pytorch", ProofMark(ProofLevel.TRAINED_CPU, "one")),
            ("3.11 cu128@pypi", ProofMark(ProofLevel.TRAINED_GPU, "one")),
        ],
    )


@pytest.mark.parametrize("libc", [None, "glibc 2.35", "macos 14.0"])
def test_a_row_goes_back_to_what_it_was(libc: str | None) -> None:
    row = {**ROW, "libc": libc}
    assert ProofRow.read(row).to_dict() == row


def test_no_folder_no_rows(tmp_path: Path) -> None:
    assert load_rows(tmp_path / "nowhere") == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"proofs": 3}',
        '{"proofs": [{}]}',
        '{"proofs": [3]}',
        json.dumps({"proofs": [{**ROW, "level": "dreamt"}]}),
        json.dumps({"proofs": [{**ROW, "stack": {}}]}),
    ],
)
def test_a_broken_index(tmp_path: Path, text: str) -> None:
    (tmp_path / INDEX).write_text(text)
    with pytest.raises(BadInput, match="index of proofs"):
        load_proofs(tmp_path)
