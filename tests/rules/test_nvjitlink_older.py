from __future__ import annotations

import pytest
from cases import case, host

from compatmatrix.matrix import Matrix
from compatmatrix.rules.nvjitlink_older import RULE

CU12 = ("nvidia-cuda-runtime-cu12==12.4.127", "nvidia-cusparse-cu12==12.3.1.170")
CU13 = ("nvidia-cuda-runtime==13.2.19", "nvidia-cusparse==12.7.3.1")


def test_older_than_its_callers(matrix: Matrix) -> None:
    (finding,) = RULE.check(case(matrix, host(), "torch==2.5.1@cu124", "nvidia-nvjitlink-cu12==12.1.105", *CU12))
    assert str(finding.severity) == "error"
    assert finding.fix == ("nvidia-nvjitlink-cu12==12.4.*",)
    (finding,) = RULE.check(case(matrix, host(), "torch==2.15.0@cu132", "nvidia-nvjitlink==13.0.39", *CU13))
    assert finding.fix == ("nvidia-nvjitlink==13.2.*",)


@pytest.mark.parametrize(
    "pins",
    [
        ("torch==2.5.1@cu124", "nvidia-nvjitlink-cu12==12.4.99", *CU12),
        ("torch==2.5.1@cu124", "nvidia-nvjitlink-cu12==12.9.86", *CU12),
        ("torch==2.5.1@cu124", "nvidia-nvjitlink-cu12==12.1.105"),
        ("torch==2.5.1+cpu", "nvidia-nvjitlink-cu12==12.1.105", *CU12),
        ("torch==2.15.0@cu132", "nvidia-nvjitlink-cu12==12.1.105", *CU12),
        ("torch==1.13.1@cu117", "nvidia-cuda-runtime-cu11==11.7.99"),
    ],
)
def test_silence(matrix: Matrix, pins: tuple[str, ...]) -> None:
    assert list(RULE.check(case(matrix, host(), *pins))) == []
