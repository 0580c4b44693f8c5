from __future__ import annotations

import pytest
from cases import case, host

from compatmatrix.matrix import Matrix
from compatmatrix.model.finding import Finding
from compatmatrix.model.host import Host
from compatmatrix.rules import platform_unsupported


def found(matrix: Matrix, where: Host, torch: str) -> list[Finding]:
    return list(platform_unsupported.check(case(matrix, where, torch)))


@pytest.mark.parametrize(
    ("where", "torch"),
    [
        pytest.param(host(), "torch==2.8.0", id="Linux"),
        pytest.param(host(platform="linux-aarch64"), "torch==2.8.0", id="Linux on ARM"),
        pytest.param(host(platform="macos-arm64", libc="macos 15.0"), "torch==2.8.0", id="a Mac"),
        pytest.param(host(platform="windows-amd64", libc=None), "torch==2.8.0", id="Windows"),
        pytest.param(host(platform="macos-x86_64", libc="macos 13.0"), "torch==2.2.2", id="the last for Intel Macs"),
        pytest.param(host(platform="macos-x86_64"), "torch==9.9.0", id="a torch that is not in the matrix"),
        pytest.param(host(platform=None), "torch==2.8.0", id="unknown platform"),
        pytest.param(host(platform="linux-riscv64"), "numpy==2.0.0", id="no torch"),
        pytest.param(host(libc=None), "torch==2.8.0", id="unknown C library"),
        pytest.param(host(libc="musl 1.2"), "numpy==2.0.0", id="musl without torch"),
    ],
)
def test_silent(matrix: Matrix, where: Host, torch: str) -> None:
    assert found(matrix, where, torch) == []


@pytest.mark.parametrize(
    ("where", "torch", "message", "hint"),
    [
        pytest.param(
            host(platform="linux-riscv64"),
            "torch==2.8.0",
            "no torch wheel for linux-riscv64",
            "linux-x86_64",
            id="riscv",
        ),
        pytest.param(host(libc="musl 1.2"), "torch==2.8.0", "musl 1.2: torch wheels need glibc", "Debian", id="Alpine"),
        pytest.param(
            host(platform="macos-x86_64", libc="macos 13.0"),
            "torch==2.3.0",
            "torch 2.3.0 has no wheel for macos-x86_64",
            "the newest torch with one is 2.2.2",
            id="Intel Mac",
        ),
    ],
)
def test_unsupported(matrix: Matrix, where: Host, torch: str, message: str, hint: str) -> None:
    (finding,) = found(matrix, where, torch)
    assert (finding.code, str(finding.severity)) == ("platform-unsupported", "error")
    assert message in finding.message
    assert hint in finding.hint
