"""A torch without its build, beside a CUDA that another of its builds has: what PyPI's lacks is not said of it."""

from __future__ import annotations

import pytest

from compatmatrix.cli.check_report import judge_text
from compatmatrix.matrix import load_matrix
from compatmatrix.model.finding import Severity

GPU = "GPU: NVIDIA GeForce RTX 5080\nOS: Ubuntu 24.04\n"


def errors(text: str) -> list[str]:
    findings = judge_text(text, load_matrix()).judged.findings
    return [finding.code for finding in findings if finding.severity is Severity.ERROR]


@pytest.mark.parametrize(
    "text",
    [
        f"PyTorch version: 2.7.0\nCUDA version: 12.8\n{GPU}",
        f"PyTorch version: 2.7.0 - CUDA: 12.8\n{GPU}",
    ],
)
def test_another_build_may_be_there(text: str) -> None:
    assert errors(text) == []


@pytest.mark.parametrize(
    "text",
    [
        f"PyTorch version: 2.7.0\n{GPU}",
        f"PyTorch version: 2.7.0\nCUDA version: 12.6\n{GPU}",
        f"PyTorch version: 2.6.0\nCUDA version: 12.8\n{GPU}",
        f"[pip3] torch==2.7.0\nCUDA version: 12.8\n{GPU}",
        f"PyTorch version: 2.7.0\nCUDA version: 12.8\nno kernel image is available for execution\n{GPU}",
    ],
)
def test_no_build_of_it_serves(text: str) -> None:
    assert errors(text) == ["arch-missing"]
