from __future__ import annotations

from pathlib import Path

import pytest
from cases import SMALL, row_line

from compatmatrix.matrix import Matrix

from .conftest import Ask

FIVE_FAULTS = (
    SMALL.replace('name = "Ampere"', 'nickname = "Ampere"')
    .replace('archs = ["sm_80"]', 'archs = ["8.0"]', 1)
    .replace('torch = "==2.8.0"\nsource', 'torch = "==2.8.0"\nsauce', 1)
    .replace('capability = "8.0"\nkind', 'capability = "9.0"\nkind')
    + '[[rocm]]\nversion = "6.2"\n'
)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A matrix with five different faults."""
    path = tmp_path / "matrix.toml"
    path.write_text(FIVE_FAULTS)
    return path


@pytest.mark.parametrize(
    "argv",
    [
        ["matrix", "verify", "{}"],
        ["matrix", "show", "--matrix", "{}"],
        ["lock", "--core", "--no-gpu", "--platform", "linux-x86_64", "--python-version", "3.11", "--matrix", "{}"],
        ["check", "--no-gpu", "--matrix", "{}"],
    ],
    ids=lambda argv: argv[0] + " " + argv[1],
)
def test_five_faults_are_all_listed(ask: Ask, broken: Path, argv: list[str]) -> None:
    answer = ask(*(word.format(broken) for word in argv))
    assert (answer.status, answer.out) == (3, "")
    lines = answer.err.splitlines()
    assert lines[-1].startswith("hint: ")
    assert all(line.startswith(f"error[bad-matrix]: {broken}") for line in lines[:-1])
    for table, fault in [
        ("capability", "nickname: unknown column"),
        ("build", "archs: '8.0' is not an architecture"),
        ("torchvision", "evidence 'source' is missing"),
        ("gpu", "capability 9.0 has no row"),
    ]:
        place = f"{broken}:{row_line(FIVE_FAULTS, table, 1)}: [[{table}]] row 1: "
        assert any(place in line and fault in line for line in lines), (place, answer.err)
    assert any("unknown table 'rocm'" in line for line in lines)


def test_verify(ask: Ask, tmp_path: Path) -> None:
    assert "no faults" in ask("matrix", "verify").out
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    data = ask("matrix", "verify", path, "--json").json
    assert (data["schema"], data["command"], data["faults"]) == (1, "matrix verify", [])
    assert ask("matrix", "verify", tmp_path / "nowhere.toml").status == 3


def test_summary(ask: Ask, matrix: Matrix) -> None:
    data = ask("matrix", "show", "--json").json
    assert (data["schema"], data["command"], data["matrix"]) == (1, "matrix show", matrix.digest)
    assert data["rows"]["torch"] == len(matrix.torches)
    assert set(data["methods"]) <= {"metadata", "measured", "documented", "reported", "inferred"}


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["torch"], ["torch", "torchvision", "2.13.0", "0.28.0"]),
        (["torch", "2.8"], ["torch 2.8.0: torchvision 0.23.0, torchaudio 2.8.0", "cu126", "sm_120"]),
        (["torch", "2.2.2"], ["numpy <2", "cu121"]),
        (["gpu", "GTX 1080 Ti"], ["compute capability 6.1 (Pascal)", "R580 is the last driver branch", "cu126"]),
        (["gpu", "GTX 1080 Ti"], ["cu126  linux-x86_64", "2.14.1", "525.60.13"]),
        (["gpu", "GRID K1"], ["no build in the matrix has code for it"]),
        (["gpu", "B200"], ["needs driver R570 or later"]),
        (["cuda", "12.8"], ["runs from driver 525.60.13", "made with 570.26", "builds for cu128"]),
        (["cuda"], ["12.8", "525.60.13"]),
        (["cuda", "10.2"], ["runs from driver 440.33 on Linux, 441.22 on Windows", "torch 1.6.0 to 1.12.1"]),
        (["images", "12.8"], ["nvidia/cuda:12.8"]),
        (["limits", "numpy"], ["numpy", "fastai"]),
        (["fastai", "2.7.12"], ["works with torch 1.7.0 to 2.0.1 (torchvision 0.15.2)"]),
        (["fastai", "2.7.12"], ["torch", ">=1.7,<2.1"]),
        (["fastai"], ["2.7.12", ">=1.7,<2.1"]),
        (["gpu"], ["NVIDIA H200", "9.0"]),
        (["limits"], []),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_show(ask: Ask, argv: list[str], words: list[str]) -> None:
    answer = ask("matrix", "show", *argv)
    assert answer.status == 0
    assert [word for word in words if word not in answer.out] == []
    data = ask("matrix", "show", *argv, "--json").json
    assert data["schema"] == 1


def test_show_a_release_as_json(ask: Ask, matrix: Matrix) -> None:
    data = ask("matrix", "show", "torch", "2.8.0", "--json").json
    assert len(data["builds"]) == sum(len(builds) for torch, builds in matrix.builds.items() if str(torch) == "2.8.0")
    for build in data["builds"]:
        assert build.keys() >= {"torch", "build", "platform", "index", "pythons", "archs", "method", "evidence"}
