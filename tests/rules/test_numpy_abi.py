from __future__ import annotations

import pytest
from cases import case, host

from compatmatrix.matrix import Matrix
from compatmatrix.model.finding import Finding
from compatmatrix.rules import numpy_abi


def found(matrix: Matrix, *texts: str) -> list[Finding]:
    return list(numpy_abi.check(case(matrix, host(), *texts)))


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(("torch==2.2.2", "numpy==1.26.4"), id="numpy 1 with a wheel for numpy 1"),
        pytest.param(("torch==2.3.0", "numpy==1.26.4"), id="numpy 1 with a wheel for both"),
        pytest.param(("torch==2.3.0", "numpy==2.2.6"), id="numpy 2 with a wheel for both"),
        pytest.param(("torch==2.13.0+cpu", "numpy==2.3.0"), id="everything new"),
        pytest.param(("torch==2.2.2",), id="no numpy"),
        pytest.param(("numpy==2.2.6",), id="no torch"),
        pytest.param(("torch==9.9.0", "numpy==2.2.6"), id="a torch that is not in the matrix"),
    ],
)
def test_silent(matrix: Matrix, texts: tuple[str, ...]) -> None:
    assert found(matrix, *texts) == []


@pytest.mark.parametrize("torch", ["1.13.1", "2.0.1+cu118", "2.2.2", "2.2.2+cpu"])
@pytest.mark.parametrize("numpy", ["2.0.0", "2.2.6", "2.0.0rc1"])
def test_numpy_2_with_a_wheel_for_numpy_1(matrix: Matrix, torch: str, numpy: str) -> None:
    findings = found(matrix, f"torch=={torch}", f"numpy=={numpy}")
    if numpy.endswith("rc1"):
        # PEP 440: "<2" does not admit the candidates of 2.0.0 either.
        assert len(findings) == 1
        return
    (finding,) = findings
    assert (finding.code, str(finding.severity)) == ("numpy-abi", "error")
    assert finding.fix == ("numpy<2",)
    assert "Numpy is not available" in finding.message
    assert finding.evidence


def test_the_border_lies_between_two_releases_of_torch(matrix: Matrix) -> None:
    for torch in matrix.torches:
        bad = bool(found(matrix, f"torch=={torch}", "numpy==2.0.0"))
        assert bad is ((torch.major, torch.minor) < (2, 3)), torch
