from __future__ import annotations

import pytest
from cases import case, gpu_unknown, host

from compatmatrix.matrix import Matrix
from compatmatrix.model.finding import Finding
from compatmatrix.model.host import Host
from compatmatrix.rules import cpu_build_on_gpu


def found(matrix: Matrix, where: Host, *texts: str) -> list[Finding]:
    return list(cpu_build_on_gpu.check(case(matrix, where, *texts)))


@pytest.mark.parametrize(
    ("where", "torch"),
    [
        pytest.param(host(), "torch==2.13.0+cpu", id="a CPU build without GPU"),
        pytest.param(host(driver=None), "torch==2.13.0@cpu", id="the same from conda"),
        pytest.param(gpu_unknown(host()), "torch==2.13.0+cpu", id="not known whether there is a GPU"),
        pytest.param(host("8.0"), "torch==2.13.0+cu130", id="a CUDA build"),
        pytest.param(host("8.0"), "torch==2.13.0", id="PyPI's build"),
        pytest.param(host("8.0"), "torch==2.6.0+rocm6.2@rocm6.2", id="a ROCm build"),
        pytest.param(host("3.0"), "torch==2.13.0+cpu", id="a GPU that no build has ever served"),
        pytest.param(host("?"), "torch==2.13.0+cpu", id="a GPU of unknown capability"),
        pytest.param(host("8.0"), "numpy==2.0.0", id="no torch"),
        pytest.param(host(platform="macos-arm64", libc="macos 15.0"), "torch==2.13.0@cpu", id="a Mac"),
    ],
)
def test_silent(matrix: Matrix, where: Host, torch: str) -> None:
    assert found(matrix, where, torch) == []


@pytest.mark.parametrize("torch", ["torch==2.13.0+cpu", "torch==2.13.0@cpu", "torch==9.9.0+cpu"])
def test_a_gpu_is_left_unused(matrix: Matrix, torch: str) -> None:
    (finding,) = found(matrix, host("8.0", "8.0"), torch)
    assert (finding.code, str(finding.severity)) == ("cpu-build-on-gpu", "error")
    assert finding.message.count("GPU 8.0") == 1


def test_repair_is_a_build_for_this_gpu_and_driver(matrix: Matrix) -> None:
    texts = ("torch==2.13.0+cpu", "torchvision==0.28.0+cpu")
    (volta,) = found(matrix, host("7.0"), *texts)
    assert volta.fix == ("torch==2.13.0+cu126", "torchvision==0.28.0+cu126")
    (old_driver,) = found(matrix, host("8.0", driver="535.104.05"), *texts)
    assert all("+cu12" in text for text in old_driver.fix)


def test_an_old_card_for_the_screen_does_not_excuse_a_cpu_build(matrix: Matrix) -> None:
    (finding,) = found(matrix, host("3.0", "8.0"), "torch==2.13.0+cpu")
    assert "GPU 8.0" in finding.message
    assert "GPU 3.0" not in finding.message


def test_no_repair_where_only_another_release_serves(matrix: Matrix) -> None:
    (finding,) = found(matrix, host("3.7"), "torch==2.13.0+cpu")
    assert finding.fix == ()
