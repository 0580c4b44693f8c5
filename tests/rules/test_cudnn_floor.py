from __future__ import annotations

from cases import case, host

from compatmatrix.matrix import load_matrix
from compatmatrix.rules.cudnn_floor import RULE


def codes(torch: str, *capabilities: str) -> list[str]:
    return [
        finding.code for finding in RULE.check(case(load_matrix(), host(*capabilities, driver="470.223.02"), torch))
    ]


def test_kepler_has_code_but_no_cudnn() -> None:
    assert codes("torch==2.5.1+cu118", "3.7") == ["arch-missing"]
    assert codes("torch==2.5.1+cu118", "3.7", "5.0") == ["arch-missing"]


def test_silence() -> None:
    assert codes("torch==2.3.1+cu118", "3.7") == []
    assert codes("torch==2.5.1+cu118", "5.0") == []
    assert codes("torch==2.14.1+cu126", "6.1") == []
    assert codes("torch==2.5.1+cpu", "3.7") == []
    assert codes("torch==2.5.1+cu118", "?") == []
