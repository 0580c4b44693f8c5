from __future__ import annotations

import pytest
from cases import CHECKED

from compatmatrix.errors import UsageError
from compatmatrix.matrix import Matrix
from compatmatrix.matrix.gpu_names import GpuNames


@pytest.mark.parametrize(
    ("text", "capability"),
    [
        ("Tesla V100", "7.0"),
        ("tesla v100", "7.0"),
        ("V100", "7.0"),
        ("Tesla V100-SXM2-16GB", "7.0"),
        ("h200", "9.0"),
        ("NVIDIA H200", "9.0"),
        ("GTX 1080 Ti", "6.1"),
        ("NVIDIA GeForce GTX 1080 Ti", "6.1"),
        ("GeForce GTX 1080 Ti", "6.1"),
        ("K80", "3.7"),
        ("A100", "8.0"),
        ("NVIDIA A100-SXM4-80GB", "8.0"),
        ("B200", "10.0"),
        ("RTX 5090", "12.0"),
        ("RTX 4090", "8.9"),
        ("RTX 3050", "8.6"),
        ("RTX 3050 A Laptop", "8.9"),
        ("NVIDIA GeForce RTX 3050 A Laptop GPU", "8.9"),
        ("NVIDIA GeForce RTX 3050 Laptop GPU", "8.6"),
        ("RTX 6000 Ada", "8.9"),
        ("Quadro RTX 6000", "7.5"),
        ("T4", "7.5"),
        ("Jetson AGX Orin", "8.7"),
        ("orin nano", "8.7"),
        ("Jetson Thor", "11.0"),
        ("Jetson Nano", "5.3"),
        ("DGX Spark", "12.1"),
        ("GB300", "10.3"),
        ("RTX PRO 6000", "12.0"),
        ("RTX 5090 Laptop", "12.0"),
        ("Tesla K40", "3.5"),
        ("RTX 3060 12GB", "8.6"),
        ("RTX 5060 Ti 16GB", "12.0"),
    ],
)
def test_what_people_type(matrix: Matrix, text: str, capability: str) -> None:
    assert str(matrix.gpu_names.find(text).capability) == capability


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("RTX 6000", ["NVIDIA RTX 6000 Ada Generation (8.9)", "(12.0)"]),
        ("Laptop", ["and", "more"]),
        ("RTX", ["of different generations"]),
    ],
)
def test_several_generations(matrix: Matrix, text: str, named: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        matrix.gpu_names.find(text)
    message = str(caught.value)
    assert "fits GPUs of different generations" in message
    assert all(name in message for name in named), message
    assert "--cc" in caught.value.hint


@pytest.mark.parametrize("text", ["", " ", "Tesla", "NVIDIA GeForce", "-", "Voodoo 2", "\u00b5"], ids=repr)
def test_unknown(matrix: Matrix, text: str) -> None:
    with pytest.raises(UsageError, match="no such GPU") as caught:
        matrix.gpu_names.find(text)
    assert "--cc" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "meant"), [("GTX 1080 Tii", "GTX 1080 Ti"), ("RTX 30900", "RTX 3090"), ("H2000", "H200")]
)
def test_suggestion(matrix: Matrix, text: str, meant: str) -> None:
    with pytest.raises(UsageError) as caught:
        matrix.gpu_names.find(text)
    assert "did you mean" in caught.value.hint
    assert meant in caught.value.hint


def test_every_name_and_alias_finds_its_row(matrix: Matrix) -> None:
    for row in matrix.gpus:
        for name in (row.name, *row.aliases):
            assert matrix.capability_of(name) == row.capability, name
            assert matrix.gpu_names.find(name).capability == row.capability, name


@pytest.mark.parametrize(
    ("name", "capability"),
    [
        ("NVIDIA A40-8Q", "8.6"),
        ("GRID T4-8Q", "7.5"),
        ("GRID A100-1-5C", "8.0"),
        ("GRID V100DX-32C", "7.0"),
        ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", "8.0"),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "9.0"),
        ("NVIDIA B200 MIG 1g.23gb", "10.0"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition MIG 1g.24gb", "12.0"),
        ("NVIDIA B300 SXM6 AC", "10.3"),
        ("NVIDIA Thor", "11.0"),
        ("NVIDIA GeForce RTX 5050 Laptop GPU", "12.0"),
        ("GRID RTX6000-24Q", None),
        ("NVIDIA RTX 9999 MIG 1g.5gb", None),
        ("NVIDIA RTX 9999", None),
        ("", None),
        ("V100", None),
    ],
)
def test_what_a_driver_prints(matrix: Matrix, name: str, capability: str | None) -> None:
    """Exact names only, slices, and profiles of virtual GPUs: a guess would be a false alarm."""
    found = matrix.capability_of(name)
    assert (str(found) if found else None) == capability


def test_an_exact_name_wins_over_words() -> None:
    rows = [
        {"name": "NVIDIA X 10", "capability": "8.0", "kind": "geforce", **CHECKED},
        {"name": "NVIDIA X 10 Laptop", "capability": "8.6", "kind": "geforce", **CHECKED},
    ]
    names = GpuNames(rows)
    assert str(names.find("x 10").capability) == "8.0"
    assert str(names.find("10 laptop").capability) == "8.6"
