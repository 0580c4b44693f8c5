from __future__ import annotations

import pytest
from cases import case, host, severities

from compatmatrix.matrix import Matrix
from compatmatrix.model.finding import Finding
from compatmatrix.rules import torchvision_mismatch

ERROR, UNKNOWN = ("torchvision-mismatch", "error"), ("torchvision-mismatch", "unknown")


def found(matrix: Matrix, *texts: str) -> list[Finding]:
    return list(torchvision_mismatch.check(case(matrix, host(), *texts)))


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(("torch==2.13.0", "torchvision==0.28.0"), id="a pair, flavours not known"),
        pytest.param(("torch==2.13.0+cu130", "torchvision==0.28.0+cu130"), id="a pair of one flavour"),
        pytest.param(("torch==2.13.0@cu130", "torchvision==0.28.0@cu130"), id="both from PyPI"),
        pytest.param(("torch==2.13.0+cpu", "torchvision==0.28.0+cpu"), id="both for the CPU"),
        pytest.param(("torch==2.8.0+cu126", "torchvision==0.23.0@cu128"), id="cu126 with cu128: one major"),
        pytest.param(("torch==2.13.0+cpu", "torchvision==0.28.0"), id="torchvision's flavour not known"),
        pytest.param(("torch==2.13.0", "torchvision==0.28.0@cu130"), id="torch's flavour not known"),
        pytest.param(("torch==2.13.0+cpu",), id="no torchvision"),
        pytest.param(("torchvision==0.28.0+cpu",), id="no torch"),
        pytest.param(("torch==9.9.0", "torchvision==9.9.0"), id="both newer than the matrix"),
        pytest.param(("torch==9.9.0", "torchvision==0.28.0"), id="a torch newer than the matrix"),
        pytest.param((), id="nothing"),
    ],
)
def test_silent(matrix: Matrix, texts: tuple[str, ...]) -> None:
    assert found(matrix, *texts) == []


def test_every_pair_of_the_matrix_is_silent(matrix: Matrix) -> None:
    for torch in matrix.torches:
        partner = matrix.partner("torchvision", torch)
        if partner:
            assert found(matrix, f"torch=={torch}+cpu", f"torchvision=={partner.version}+cpu") == []


def test_cpu_torch_with_the_torchvision_of_pypi(matrix: Matrix) -> None:
    """It fails at import: operator torchvision::nms does not exist."""
    (finding,) = found(matrix, "torch==2.13.0+cpu", "torchvision==0.28.0@cu130")
    assert (finding.code, str(finding.severity)) == ERROR
    assert "built for cu130, torch 2.13.0+cpu for cpu" in finding.message
    assert finding.fix == ("torchvision==0.28.0+cpu",)
    assert finding.packages == ("torch", "torchvision")
    assert "reinstall" in finding.hint


@pytest.mark.parametrize(
    ("torch", "torchvision", "fix"),
    [
        ("torch==2.13.0@cu130", "torchvision==0.28.0+cpu", "torchvision==0.28.0"),
        ("torch==2.13.0+cu126", "torchvision==0.28.0@cu130", "torchvision==0.28.0+cu126"),
        ("torch==2.5.1+cu118", "torchvision==0.20.1+cu121", "torchvision==0.20.1+cu118"),
    ],
    ids=["cuda with cpu", "cu126 with cu130", "cu118 with cu121"],
)
def test_flavours_that_clash(matrix: Matrix, torch: str, torchvision: str, fix: str) -> None:
    (finding,) = found(matrix, torch, torchvision)
    assert (finding.code, str(finding.severity)) == ERROR
    assert finding.fix == (fix,)


@pytest.mark.parametrize("torchvision", ["0.22.1", "0.24.0", "0.14.1"])
def test_versions_that_do_not_match(matrix: Matrix, torchvision: str) -> None:
    (finding,) = found(matrix, "torch==2.8.0+cu126", f"torchvision=={torchvision}+cpu")
    assert (finding.code, str(finding.severity)) == ERROR
    assert finding.fix == ("torchvision==0.23.0+cu126",)
    assert "it was made for torch" in finding.message
    assert finding.evidence


def test_an_unknown_torchvision_is_an_unknown(matrix: Matrix) -> None:
    assert severities(found(matrix, "torch==2.8.0", "torchvision==9.9.0")) == [UNKNOWN]


@pytest.mark.parametrize(
    ("texts", "fits"),
    [
        pytest.param(("torch==2.7.1", "torchvision==0.22.0"), True, id="another release of its minor"),
        pytest.param(("torch==2.7.1", "torchvision==0.22.1"), True, id="the pair"),
        pytest.param(("torch==2.7.1", "torchvision==0.21.0"), False, id="another minor"),
        pytest.param(("torch==2.7.1@cpu", "torchvision==0.22.1@cu126"), False, id="another flavour"),
    ],
)
def test_conda_joins_the_releases_of_a_minor(matrix: Matrix, texts: tuple[str, ...], fits: bool) -> None:
    """conda-forge's torchvision asks for the minor of the torch that it was built on; a wheel for the very release."""
    assert (list(torchvision_mismatch.check_conda(case(matrix, host(), *texts))) == []) is fits
    if texts[1].endswith("0.22.0"):
        assert severities(found(matrix, *texts)) == [ERROR]
