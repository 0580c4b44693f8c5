from __future__ import annotations

import pytest
from cases import case, host

from compatmatrix.matrix import Matrix
from compatmatrix.model.finding import Finding
from compatmatrix.model.host import Host
from compatmatrix.rules import python_unsupported


def found(matrix: Matrix, where: Host, *texts: str) -> list[Finding]:
    return list(python_unsupported.check(case(matrix, where, *texts)))


@pytest.mark.parametrize(
    ("where", "texts"),
    [
        pytest.param(host(python="3.10"), ("torch==1.13.1", "torchvision==0.14.1", "fastai==2.7.12"), id="fits"),
        pytest.param(host(python="3.8.18"), ("torch==2.4.1", "torchvision==0.19.1"), id="a full version"),
        pytest.param(host(python="3.13t"), ("torch==2.8.0",), id="free-threaded"),
        pytest.param(host(python=None), ("torch==1.13.1",), id="unknown Python"),
        pytest.param(host(python="3.99"), ("torch==9.9.0",), id="a torch that is not in the matrix"),
        pytest.param(host(python="3.99"), ("numpy==2.0.0",), id="nothing that we know"),
        pytest.param(host(python="3.99"), (), id="nothing"),
    ],
)
def test_silent(matrix: Matrix, where: Host, texts: tuple[str, ...]) -> None:
    assert found(matrix, where, *texts) == []


@pytest.mark.parametrize(
    ("torch", "last", "first_without"),
    [("2.4.1", "3.8", "3.7"), ("2.4.1", "3.12", "3.13"), ("2.15.0", "3.11", "3.10"), ("2.8.0", "3.13t", "3.14t")],
)
def test_torch_on_both_sides(matrix: Matrix, torch: str, last: str, first_without: str) -> None:
    assert found(matrix, host(python=last), f"torch=={torch}+cpu") == []
    (finding,) = found(matrix, host(python=first_without), f"torch=={torch}+cpu")
    assert (finding.code, str(finding.severity)) == ("python-unsupported", "error")
    assert f"torch {torch} has no wheel for Python {first_without}:" in finding.message
    assert finding.packages == ("torch",)


def test_hint_names_the_releases_that_have_one(matrix: Matrix) -> None:
    (finding,) = found(matrix, host(python="3.8"), "torch==2.13.0+cpu")
    assert finding.hint == "torch 1.6.0 to 2.4.1 have wheels for Python 3.8"
    (finding,) = found(matrix, host(python="3.5"), "torch==2.13.0+cpu")
    assert finding.hint == "no torch in the matrix has a wheel for Python 3.5"


def test_free_threaded_is_another_python(matrix: Matrix) -> None:
    assert found(matrix, host(python="3.13"), "torch==2.14.0+cpu") == []
    assert len(found(matrix, host(python="3.13t"), "torch==2.14.0+cpu")) == 1


def test_partners_have_their_own_wheels(matrix: Matrix) -> None:
    findings = found(matrix, host(python="3.11"), "torch==1.13.1", "torchvision==0.14.1")
    assert [finding.packages for finding in findings] == [("torchvision",)]


@pytest.mark.parametrize(("python", "bad"), [("3.9", True), ("3.10", False), ("3.14", False)])
def test_what_fastai_declares(matrix: Matrix, python: str, bad: bool) -> None:
    findings = found(matrix, host(python=python), "fastai==2.8.4")
    assert [finding.packages for finding in findings] == [("fastai",)] * bad
