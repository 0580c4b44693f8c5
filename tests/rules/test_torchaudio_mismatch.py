from __future__ import annotations

import pytest
from cases import case, host, severities

from compatmatrix.matrix import Matrix
from compatmatrix.model.finding import Finding
from compatmatrix.rules import torchaudio_mismatch

ERROR, UNKNOWN = ("torchaudio-mismatch", "error"), ("torchaudio-mismatch", "unknown")


def found(matrix: Matrix, *texts: str) -> list[Finding]:
    return list(torchaudio_mismatch.check(case(matrix, host(), *texts)))


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(("torch==2.8.0", "torchaudio==2.8.0"), id="a pair"),
        pytest.param(("torch==1.13.1+cu117", "torchaudio==0.13.1+cu117"), id="a pair of old numbering"),
        pytest.param(("torch==2.11.0", "torchaudio==2.11.0"), id="2.11 with its own torch"),
        pytest.param(("torch==2.13.0", "torchaudio==2.11.0"), id="2.11 stopped pinning: a newer torch"),
        pytest.param(("torch==2.8.0+cu126", "torchaudio==2.8.0@cu128"), id="one CUDA major"),
        pytest.param(("torch==2.8.0",), id="no torchaudio"),
        pytest.param(("torchaudio==2.8.0",), id="no torch"),
        pytest.param(("torch==9.9.0", "torchaudio==2.8.0"), id="a torch newer than the matrix"),
    ],
)
def test_silent(matrix: Matrix, texts: tuple[str, ...]) -> None:
    assert found(matrix, *texts) == []


def test_every_torch_from_2_11_on_takes_torchaudio_2_11(matrix: Matrix) -> None:
    for torch in matrix.torches:
        expected = [] if (torch.major, torch.minor) >= (2, 11) else [ERROR]
        assert severities(found(matrix, f"torch=={torch}", "torchaudio==2.11.0")) == expected, torch


@pytest.mark.parametrize(
    ("torch", "torchaudio", "fix"),
    [
        ("torch==2.8.0", "torchaudio==2.7.1", "torchaudio==2.8.0"),
        ("torch==2.10.0+cpu", "torchaudio==2.11.0+cpu", "torchaudio==2.10.0+cpu"),
        ("torch==2.8.0+cpu", "torchaudio==2.8.0@cu128", "torchaudio==2.8.0+cpu"),
    ],
    ids=["older", "newer", "flavour"],
)
def test_mismatch(matrix: Matrix, torch: str, torchaudio: str, fix: str) -> None:
    (finding,) = found(matrix, torch, torchaudio)
    assert (finding.code, str(finding.severity)) == ERROR
    assert finding.fix == (fix,)


def test_an_unknown_torchaudio_is_an_unknown(matrix: Matrix) -> None:
    assert severities(found(matrix, "torch==2.8.0", "torchaudio==9.9.0")) == [UNKNOWN]


@pytest.mark.parametrize(
    ("torch", "torchaudio", "expected"),
    [
        ("torch==1.10.0.dev20210901+cu111", "torchaudio==0.10.0.dev20210901+rocm4.1", [ERROR]),
        ("torch==2.14.0.dev20260801+cu130", "torchaudio==2.14.0.dev20260801+cu128", [ERROR]),
        ("torch==2.14.0.dev20260801+cu130", "torchaudio==2.14.0.dev20260730+cu130", []),
        ("torch==2.14.0.dev20260801+rocm7.0", "torchaudio==2.14.0.dev20260730+rocm7.1", []),
    ],
)
def test_nightlies_are_judged_by_their_builds(matrix: Matrix, torch: str, torchaudio: str, expected: object) -> None:
    assert severities(found(matrix, torch, torchaudio)) == expected
