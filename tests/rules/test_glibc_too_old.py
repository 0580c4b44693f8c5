from __future__ import annotations

import pytest
from cases import case, host

from compatmatrix.matrix import Matrix
from compatmatrix.model.finding import Finding
from compatmatrix.model.host import Host
from compatmatrix.rules import glibc_too_old


def found(matrix: Matrix, where: Host, torch: str) -> list[Finding]:
    return list(glibc_too_old.check(case(matrix, where, torch)))


@pytest.mark.parametrize(
    ("where", "torch"),
    [
        pytest.param(host(libc="glibc 2.28"), "torch==2.8.0", id="the floor itself"),
        pytest.param(host(libc="glibc 2.100"), "torch==2.8.0", id="numbers, not text"),
        pytest.param(host(libc="glibc 2.17"), "torch==2.5.1", id="an old wheel on an old system"),
        pytest.param(host(libc=None), "torch==2.8.0", id="unknown C library"),
        pytest.param(host(libc="musl 1.2"), "torch==2.8.0", id="musl is another rule's"),
        pytest.param(host(libc="glibc 2.17"), "torch==2.5.1+cu121", id="no floor in the tag: CentOS 7 built it"),
        pytest.param(host(libc="glibc 2.5"), "torch==9.9.0", id="a torch that is not in the matrix"),
        pytest.param(host(libc="glibc 2.5"), "numpy==2.0.0", id="no torch"),
        pytest.param(host(platform="macos-arm64", libc="macos 14.0"), "torch==2.13.0", id="the floor of macOS"),
        pytest.param(host(platform="windows-amd64", libc=None), "torch==2.13.0", id="Windows"),
    ],
)
def test_silent(matrix: Matrix, where: Host, torch: str) -> None:
    assert found(matrix, where, torch) == []


@pytest.mark.parametrize(
    ("where", "torch", "needs"),
    [
        (host(libc="glibc 2.27"), "torch==2.8.0", "glibc 2.28"),
        (host(libc="glibc 2.17"), "torch==2.8.0+cu126", "glibc 2.28"),
        (host(libc="glibc 2.12"), "torch==1.13.1+cpu", "glibc 2.17"),
        (host(platform="macos-arm64", libc="macos 13.6"), "torch==2.13.0", "macos 14.0"),
    ],
    ids=["Ubuntu 18.04", "CentOS 7", "CentOS 6", "an old macOS"],
)
def test_too_old(matrix: Matrix, where: Host, torch: str, needs: str) -> None:
    (finding,) = found(matrix, where, torch)
    assert (finding.code, str(finding.severity)) == ("glibc-too-old", "error")
    assert f"needs {needs} or later" in finding.message
    assert "is the newest with a wheel for it" in finding.hint
    assert finding.evidence


def test_no_wheel_is_that_old(matrix: Matrix) -> None:
    (finding,) = found(matrix, host(platform="macos-arm64", libc="macos 10.9"), "torch==2.13.0")
    assert "no wheel in the matrix is that old" in finding.hint
