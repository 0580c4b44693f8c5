from __future__ import annotations

from dataclasses import replace

import pytest
from cases import LINUX, NEW_DRIVER, case, find_build, gpu_unknown, host, severities, stack, with_rows

from compatmatrix.matrix import Matrix
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.fact import Fact
from compatmatrix.model.finding import Finding
from compatmatrix.model.host import WSL, Host
from compatmatrix.rules import Case, driver_too_old
from compatmatrix.rules.case import driver_floor, newest_cuda_of

UNKNOWN, ERROR = ("driver-too-old", "unknown"), ("driver-too-old", "error")


def offering(where: Host, cuda: str) -> Host:
    return replace(where, driver_cuda=Fact.of(Cuda.parse(cuda), "nvidia-smi"))


def test_jetpacks_drivers_have_numbers_of_their_own(matrix: Matrix) -> None:
    """Thor prints 580.00 with CUDA 13.0: below the floor by number, above it by branch and by what it offers."""
    thor, orin = (host(cc, driver="580.00", platform="linux-aarch64") for cc in ("11.0", "8.7"))
    server = host("9.0", driver="580.00", platform="linux-aarch64")
    assert found(matrix, thor, "torch==2.14.0+cu130") == found(matrix, orin, "torch==2.14.0+cu132") == []
    assert severities(found(matrix, server, "torch==2.14.0+cu130")) == [ERROR]
    assert found(matrix, offering(server, "13.0"), "torch==2.14.0+cu130") == []
    old = host("11.0", driver="575.00", platform="linux-aarch64")
    assert ERROR in severities(found(matrix, old, "torch==2.14.0+cu130"))
    assert ERROR in severities(found(matrix, offering(old, "12.9"), "torch==2.14.0+cu130"))


def found(matrix: Matrix, where: Host, torch: str) -> list[Finding]:
    return list(driver_too_old.check(case(matrix, where, torch)))


@pytest.mark.parametrize(
    ("where", "torch"),
    [
        pytest.param(host("8.0", driver="535.104.05"), "torch==2.8.0+cu128", id="cu128 on driver 535"),
        pytest.param(host("8.0", driver="525.60.13"), "torch==2.8.0+cu129", id="the floor of 12.x itself"),
        pytest.param(host("8.0", driver="450.80.02"), "torch==2.5.1+cu118", id="the floor of 11.x itself"),
        pytest.param(host("8.0", driver="580.65.06"), "torch==2.14.0+cu132", id="the floor of 13.x itself"),
        pytest.param(host("8.0", driver=NEW_DRIVER), "torch==1.13.1+cu116", id="a driver newer than the build"),
        pytest.param(host(driver=None), "torch==2.8.0+cu128", id="no GPU and no driver"),
        pytest.param(host(driver="390.157"), "torch==2.8.0+cu128", id="no GPU, though an old driver"),
        pytest.param(gpu_unknown(host(driver=None)), "torch==2.8.0+cu128", id="not known whether there is a GPU"),
        pytest.param(host("8.0", driver="390.157"), "torch==2.8.0+cpu", id="a CPU build"),
        pytest.param(host("8.0", driver="390.157"), "torch==9.9.0+cu128", id="a torch that is not in the matrix"),
        pytest.param(host("8.0", driver="390.157"), "numpy==2.0.0", id="no torch"),
        pytest.param(host("8.0", driver="390.157", platform=None), "torch==2.8.0+cu128", id="unknown platform"),
        pytest.param(host("12.0", driver="570.26"), "torch==2.8.0+cu128", id="Blackwell on R570"),
        pytest.param(host("8.9", driver="525.60.13"), "torch==2.8.0+cu128", id="Ada"),
        pytest.param(host("?", driver="535.104.05"), "torch==2.8.0+cu128", id="GPU of unknown capability"),
    ],
)
def test_silent(matrix: Matrix, where: Host, torch: str) -> None:
    assert found(matrix, where, torch) == []


@pytest.mark.parametrize(
    ("below", "floor", "torch"),
    [
        ("450.80.01", "450.80.02", "torch==2.5.1+cu118"),
        ("525.60.12", "525.60.13", "torch==2.8.0+cu126"),
        ("525.60.12", "525.60.13", "torch==2.8.0+cu128"),
        ("525.60.12", "525.60.13", "torch==2.8.0+cu129"),
        ("580.65.05", "580.65.06", "torch==2.14.0+cu130"),
        ("580.65.05", "580.65.06", "torch==2.14.0+cu132"),
    ],
)
def test_the_floor_goes_by_cuda_major(matrix: Matrix, below: str, floor: str, torch: str) -> None:
    assert found(matrix, host("8.0", driver=floor), torch) == []
    (finding,) = found(matrix, host("8.0", driver=below), torch)
    assert (finding.code, str(finding.severity)) == ERROR
    assert f"driver {below} is too old" in finding.message
    assert f"needs {floor} or later" in finding.message
    assert finding.evidence


def test_repair_is_another_build_of_the_same_release(matrix: Matrix) -> None:
    where = host("8.0", driver="470.256.02")
    (finding,) = driver_too_old.check(case(matrix, where, "torch==2.5.1+cu124", "torchvision==0.20.1+cu124"))
    assert finding.fix == ("torch==2.5.1+cu118", "torchvision==0.20.1+cu118")
    assert "CUDA 11.8 builds at most" in finding.hint


def test_no_repair_where_no_build_of_the_release_fits(matrix: Matrix) -> None:
    (finding,) = found(matrix, host("8.0", driver="470.256.02"), "torch==2.14.0+cu130")
    assert finding.fix == ()
    assert "an older one may" in finding.hint


def test_a_driver_below_every_floor(matrix: Matrix) -> None:
    (finding,) = found(matrix, host("6.0", driver="390.157"), "torch==2.5.1+cu118")
    assert "runs no known CUDA build" in finding.hint


@pytest.mark.parametrize(
    ("capability", "too_old", "enough"),
    [("10.0", "565.57.01", "570.26"), ("12.0", "565.57.01", "570.26"), ("12.1", "575.51.03", "580.65.06")],
)
def test_a_gpu_younger_than_the_driver(matrix: Matrix, capability: str, too_old: str, enough: str) -> None:
    """The floor of 12.x is met on both sides: it is the GPU that the driver does not know."""
    torch = "torch==2.8.0+cu128"
    assert found(matrix, host(capability, driver=enough), torch) == []
    (finding,) = found(matrix, host(capability, driver=too_old), torch)
    assert (finding.code, str(finding.severity)) == ERROR
    assert f"does not know the GPU {capability}" in finding.message


def test_each_gpu_is_looked_at_once(matrix: Matrix) -> None:
    findings = found(matrix, host("12.0", "8.0", "12.0", "10.0", driver="565.57.01"), "torch==2.8.0+cu128")
    assert [finding.message.split(" the ")[1].split(":")[0] for finding in findings] == ["GPU 12.0", "GPU 10.0"]


def test_an_unknown_driver_is_an_unknown(matrix: Matrix) -> None:
    (finding,) = found(matrix, host("8.0", driver=None), "torch==2.8.0+cu128")
    assert (finding.code, str(finding.severity)) == UNKNOWN
    assert "nvidia-smi hangs" in finding.message
    assert "--driver" in finding.hint


def test_what_the_driver_offers_does_not_count(matrix: Matrix) -> None:
    """nvidia-smi's "CUDA Version: 12.2" on driver 535 is no ceiling for builds of 12.8."""
    from compatmatrix.model.cuda import Cuda
    from compatmatrix.model.fact import Fact

    where = replace(host("9.0", driver="535.104.05"), driver_cuda=Fact.of(Cuda(12, 2), "nvidia-smi"))
    assert found(matrix, where, "torch==2.8.0+cu128") == []


def test_by_minor_before_cuda_11(matrix: Matrix) -> None:
    old = with_rows(
        matrix,
        "cuda",
        {"version": "10.1", "driver-linux": "418.39"},
        {"version": "10.2", "driver-linux": "440.33"},
        {"version": "11.8", "driver-linux": "520.61.05"},
    )
    made = find_build(matrix, "1.13.1", "cu117")
    for tag, driver, expected in [("cu101", "418.39", []), ("cu102", "418.39", [ERROR]), ("cu102", "440.33", [])]:
        where = host("7.0", driver=driver)
        judged = Case(stack(f"torch==1.13.1+{tag}"), where, old, replace(made, build=tag))
        assert severities(driver_too_old.check(judged)) == expected, (tag, driver)


def test_newest_cuda_of_a_driver_counts_minor_version_compatibility(matrix: Matrix) -> None:
    newest_12 = max(cuda for cuda in matrix.cudas if cuda.major == 12)
    newest_11 = max(cuda for cuda in matrix.cudas if cuda.major == 11)
    assert newest_cuda_of(DriverVersion("525.60.13"), "linux", matrix) == newest_12
    assert newest_cuda_of(DriverVersion("525.60.12"), "linux", matrix) == newest_11
    assert str(newest_cuda_of(DriverVersion("450.80.01"), "linux", matrix)) == "10.2"
    assert newest_cuda_of(DriverVersion("396.25"), "linux", matrix) is None


def test_windows_has_its_own_floors(matrix: Matrix) -> None:
    for cuda in matrix.cudas:
        if cuda.major in (11, 12):
            assert driver_floor(cuda, "windows", matrix) != driver_floor(cuda, "linux", matrix)


def test_below_wsl_the_windows_driver_counts(matrix: Matrix) -> None:
    family = matrix.families[12]
    between = family.drivers["linux"]
    assert between < family.drivers["windows"]
    where = host("8.0", driver=str(between))
    assert found(matrix, where, "torch==2.8.0+cu128") == []
    assert severities(found(matrix, replace(where, notes=(WSL,)), "torch==2.8.0+cu128")) == [ERROR]


def test_below_wsl_an_old_driver_does_not_run_cuda_13(matrix: Matrix) -> None:
    where = replace(host("8.0", driver="552.22"), notes=(WSL,))
    assert severities(found(matrix, where, "torch==2.14.0+cu130")) == [ERROR]


def test_platform_is_linux_in_these_tests() -> None:
    assert host().platform.value == LINUX
