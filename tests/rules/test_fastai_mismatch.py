from __future__ import annotations

import pytest
from cases import case, host, severities

from compatmatrix.matrix import Matrix
from compatmatrix.matrix.rows import admits
from compatmatrix.model.finding import Finding
from compatmatrix.rules import fastai_mismatch

ERROR, UNKNOWN = ("fastai-mismatch", "error"), ("fastai-mismatch", "unknown")


def found(matrix: Matrix, *texts: str) -> list[Finding]:
    return list(fastai_mismatch.check(case(matrix, host(), *texts)))


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(("fastai==2.7.12", "torch==2.0.1", "torchvision==0.15.2"), id="inside the range"),
        pytest.param(("fastai==2.7.12", "torch==2.0.1+cu118"), id="a build's local part does not count"),
        pytest.param(("fastai==2.8.7", "torch==2.15.0"), id="below the major"),
        pytest.param(("fastai==2.7.12",), id="nothing else installed"),
        pytest.param(("torch==2.0.1",), id="no fastai"),
        pytest.param(("fastai==2.7.18", "fastcore==1.7.29"), id="fastcore inside"),
    ],
)
def test_silent(matrix: Matrix, texts: tuple[str, ...]) -> None:
    assert found(matrix, *texts) == []


@pytest.mark.parametrize(
    ("fastai", "inside", "outside"),
    [
        ("2.7.11", "1.13.1", "2.0.0"),
        ("2.7.12", "2.0.1", "2.1.0"),
        ("2.7.19", "2.6.0", "2.7.0"),
        ("2.8.5", "2.9.1", "2.10.0"),
    ],
)
def test_torch_on_both_sides_of_the_declared_border(matrix: Matrix, fastai: str, inside: str, outside: str) -> None:
    assert found(matrix, f"fastai=={fastai}", f"torch=={inside}") == []
    (finding,) = found(matrix, f"fastai=={fastai}", f"torch=={outside}")
    assert (finding.code, str(finding.severity)) == ERROR
    assert finding.packages == ("fastai", "torch")


def test_repair_for_torch_is_a_newer_fastai_that_admits_it(matrix: Matrix) -> None:
    (finding,) = found(matrix, "fastai==2.7.12", "torch==2.1.0")
    (fix,) = finding.fix
    name, _, release = fix.partition("==")
    row = next(row for row in matrix.fastais.values() if str(row.version) == release)
    assert name == "fastai"
    assert not row.yanked
    assert admits(row.requires["torch"], case(matrix, host(), "torch==2.1.0").stack["torch"].release)


def test_repair_for_other_packages_is_their_range(matrix: Matrix) -> None:
    (finding,) = found(matrix, "fastai==2.7.12", "fastcore==1.7.29")
    (fix,) = finding.fix
    assert fix.startswith("fastcore")
    assert "<1.6" in fix


def test_several_packages_are_several_findings(matrix: Matrix) -> None:
    assert severities(found(matrix, "fastai==2.7.12", "fastcore==1.7.29", "torch==2.5.0")) == [ERROR, ERROR]


def test_an_unknown_fastai_is_an_unknown(matrix: Matrix) -> None:
    assert severities(found(matrix, "fastai==9.9.0")) == [UNKNOWN]
