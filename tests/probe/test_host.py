from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compatmatrix.model.cuda import Capability
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.host import Gpu, Host, Libc, Python, host_from_dict
from compatmatrix.probe.environment import look_at
from compatmatrix.probe.host import Given, detect_host
from compatmatrix.probe.platform import detect_platform

from .fakes import Smi, capability_of, make_venv

H200 = Gpu("NVIDIA H200", Capability(9, 0))
Detect = Callable[..., Host]


@pytest.fixture
def detect(root: Path, environ: dict[str, str]) -> Detect:
    def detect(**given: Any) -> Host:
        return detect_host(None, capability_of, Given(**given), root=root, environ=environ, system="linux")

    return detect


@pytest.fixture(autouse=True)
def here(smi: Smi) -> None:
    """This machine has a V100 and an RTX 4090 with driver 550.54.15."""
    smi.answers("query_550_mixed.csv")


def test_everything_detected(detect: Detect, smi: Smi) -> None:
    host = detect()
    assert host.driver.value == DriverVersion("550.54.15")
    assert host.has_gpu
    assert host.platform.known
    assert "--python" in host.python.reason
    assert smi.calls == 1


def test_no_gpu_asks_nothing(detect: Detect, smi: Smi) -> None:
    host = detect(gpus=())
    assert (host.gpus.value, host.gpus.origin) == ((), "given")
    assert host.driver.reason == "no NVIDIA GPU"
    assert smi.calls == 0


def test_driver_and_gpu_given_asks_nothing(detect: Detect, smi: Smi) -> None:
    host = detect(gpus=(H200,), driver=DriverVersion("535.104.05"))
    assert (host.gpus.value, host.gpus.origin) == ((H200,), "given")
    assert (host.driver.value, host.driver.origin) == (DriverVersion("535.104.05"), "given")
    assert smi.calls == 0


def test_a_given_gpu_never_meets_this_driver(detect: Detect, smi: Smi) -> None:
    assert detect(gpus=(H200,)).driver.reason == "not given: name it with --driver"
    assert smi.calls == 0


def test_a_given_platform_never_meets_this_driver(detect: Detect, smi: Smi) -> None:
    other = "linux-aarch64" if detect_platform()[0].value != "linux-aarch64" else "linux-x86_64"
    host = detect(platform=other)
    assert host.platform.origin == "given"
    assert "--driver" in host.driver.reason
    assert "--gpu" in host.gpus.reason
    assert "--glibc" in host.libc.reason
    assert smi.calls == 0
    assert detect(platform=other, libc=Libc("glibc", 2, 17)).libc.value == Libc("glibc", 2, 17)


def test_this_platform_given_keeps_this_libc(detect: Detect) -> None:
    assert detect(platform=detect_platform(system="linux")[0].value).libc == detect().libc


def test_a_mac_has_no_nvidia_gpu(detect: Detect) -> None:
    assert detect(platform="macos-arm64").gpus.value == ()


def test_a_given_driver_is_tried_on_these_gpus(detect: Detect, smi: Smi) -> None:
    host = detect(driver=DriverVersion("580.65.06"))
    assert host.driver.origin == "given"
    assert host.has_gpu
    smi.path.unlink()
    assert "--gpu" in detect(driver=DriverVersion("580.65.06")).gpus.reason


def test_python_given_and_detected(detect: Detect, root: Path, tmp_path: Path) -> None:
    assert detect(python=Python.parse("3.10")).python.origin == "given"
    interpreter = look_at(make_venv(tmp_path / "venv", "3.11.7"), "given")
    host = detect_host(interpreter, capability_of, root=root)
    assert host.python.value == Python.parse("3.11.7")


def test_surroundings_are_noted_for_this_machine_only(detect: Detect, root: Path) -> None:
    (root / ".dockerenv").touch()
    assert detect().notes == ("container",)
    assert detect(gpus=()).notes == ("container",)
    assert detect(gpus=(H200,)).notes == ()


def test_the_host_file_round_trip(detect: Detect) -> None:
    host = detect()
    assert host_from_dict(host.to_dict()) == host
