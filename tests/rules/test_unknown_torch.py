from __future__ import annotations

import pytest
from cases import case, host

from compatmatrix.matrix import Matrix
from compatmatrix.model.finding import Finding
from compatmatrix.model.host import Host
from compatmatrix.rules import unknown_torch


def found(matrix: Matrix, where: Host, torch: str) -> list[Finding]:
    return list(unknown_torch.check(case(matrix, where, torch)))


@pytest.mark.parametrize(
    ("where", "torch"),
    [
        pytest.param(host(), "torch==2.8.0", id="PyPI's build"),
        pytest.param(host(), "torch==2.8.0+cu126", id="a build of the PyTorch index"),
        pytest.param(host(), "torch==2.8.0@cu128", id="PyPI's build by its flavour"),
        pytest.param(host(), "torch==2.8.0@cu126", id="a flavour without local part"),
        pytest.param(host(), "numpy==2.0.0", id="no torch"),
        pytest.param(host(platform=None), "torch==9.9.0", id="unknown platform"),
        pytest.param(host(platform="linux-riscv64"), "torch==9.9.0", id="a platform without any wheel"),
        pytest.param(host(platform="macos-x86_64"), "torch==2.8.0", id="no wheel for the platform: another rule's"),
    ],
)
def test_silent(matrix: Matrix, where: Host, torch: str) -> None:
    assert found(matrix, where, torch) == []


@pytest.mark.parametrize(
    ("torch", "message"),
    [
        ("torch==9.9.0", "torch 9.9.0 is not in the matrix, which knows 1.6.0 to"),
        ("torch==1.5.1+cu101", "torch 1.5.1 is not in the matrix"),
        ("torch==2.8.0+cu118", "the build cu118 of torch 2.8.0 is not in the matrix"),
        ("torch==2.8.0+gita1b2c3", "the build gita1b2c3 of torch 2.8.0 is not in the matrix"),
        ("torch==2.8.0+rocm6.2", "the build rocm6.2 of torch 2.8.0 is not in the matrix"),
    ],
)
def test_unknown(matrix: Matrix, torch: str, message: str) -> None:
    (finding,) = found(matrix, host("8.0"), torch)
    assert (finding.code, str(finding.severity)) == ("other", "unknown")
    assert message in finding.message
    assert "--matrix" in finding.hint


@pytest.mark.parametrize(
    ("torch", "refresh"), [("torch==9.9.0", True), ("torch==2.5.2", False), ("torch==1.4.0", False)]
)
def test_a_refresh_is_told_of_only_where_it_may_help(matrix: Matrix, torch: str, refresh: bool) -> None:
    (finding,) = found(matrix, host("8.0"), torch)
    assert ("refresh" in finding.hint) is refresh
