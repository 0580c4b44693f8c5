from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.version import Version

from compatmatrix.model.cuda import Capability, Cuda
from compatmatrix.model.host import Gpu
from compatmatrix.probe.driver import DriverView, detect_driver

from .fakes import SAMPLES, Smi, capability_of

Put = Callable[[str, str], Path]
Look = Callable[..., DriverView]


@pytest.fixture
def look(root: Path, environ: dict[str, str]) -> Look:
    def look(**more: object) -> DriverView:
        options = {"root": root, "environ": environ, "system": "linux", **more}
        return detect_driver(capability_of, **options)  # type: ignore[arg-type]

    return look


def test_nothing_is_an_answer(look: Look) -> None:
    view = look()
    assert view.gpus.value == ()
    assert view.driver.reason == "no NVIDIA driver"
    assert view.notes == ()


def test_macos_runs_nothing(look: Look, smi: Smi) -> None:
    smi.answers("query_580_gb10.csv")
    assert look(system="darwin").gpus.value == ()
    assert smi.calls == 0


def test_one_call_on_a_modern_driver(look: Look, smi: Smi, proc_driver: None) -> None:
    smi.answers("query_550_mixed.csv", xml="xml_535.xml")
    view = look()
    assert smi.calls == 1
    assert view.driver.value == Version("550.54.15")
    assert [str(gpu.capability) for gpu in view.gpus.value or ()] == ["7.0", "8.9"]
    assert view.driver.origin == view.gpus.origin == "nvidia-smi"
    assert view.driver_cuda.reason == "not asked"
    assert view.notes == ()


def test_470_is_asked_again_and_named_by_the_matrix(look: Look, smi: Smi) -> None:
    smi.answers(None, "query_old_470.csv")
    view = look()
    assert smi.calls == 2
    assert view.driver.value == Version("470.182.03")
    assert view.gpus.value == (Gpu("NVIDIA GeForce GTX 1080 Ti", Capability(6, 1), 11178),)
    assert "by name" in view.gpus.origin


def test_a_name_that_the_matrix_does_not_know_has_no_capability(look: Look, smi: Smi) -> None:
    smi.answers("query_broken_fields.csv")
    assert [gpu.capability for gpu in look().gpus.value or ()] == [None, None]


def test_xml_is_the_third_question(look: Look, smi: Smi) -> None:
    smi.answers(None, None, "xml_535.xml")
    view = look()
    assert smi.calls == 3
    assert view.driver_cuda.value == Cuda(12, 2)
    assert [str(gpu) for gpu in view.gpus.value or ()] == [
        "NVIDIA GeForce RTX 4090 (8.9)",
        "NVIDIA GeForce RTX 3090 (8.6)",
    ]


def test_mig_is_noted(look: Look, smi: Smi, put: Put) -> None:
    smi.answers(None, None, "xml_550_mig.xml")
    assert look().notes == ("MIG",)
    smi.answers("query_595_b200.csv")
    put("/proc/driver/nvidia/capabilities/gpu0/mig/gi1/access", "")
    assert look().notes == ("MIG",)


@pytest.mark.parametrize("place", ["usr/bin", "usr/lib/wsl/lib"])
def test_the_usual_places(look: Look, root: Path, place: str) -> None:
    Smi(root / place).answers("query_575_wsl.csv")
    assert look().driver.value == Version("576.02")


def test_windows(look: Look, tmp_path: Path) -> None:
    assert look(system="win32").gpus.value == ()
    fake = Smi(tmp_path / "Windows/System32").answers("query_610_rtx4070.csv")
    fake.path.rename(fake.path.with_suffix(".exe"))
    view = look(system="win32", environ={"PATH": "/usr/bin:/bin", "SystemRoot": str(tmp_path / "Windows")})
    assert view.driver.value == Version("610.47")


def test_a_copy_that_windows_blocks_gives_way_to_the_right_one(look: Look, smi: Smi, root: Path) -> None:
    smi.answers("error_wsl_blocked.txt", status=255)
    Smi(root / "usr/lib/wsl/lib").answers("query_575_wsl.csv")
    assert look().driver.value == Version("576.02")
    assert smi.calls == 1


def test_visible_devices_change_nothing(look: Look, smi: Smi, environ: dict[str, str]) -> None:
    smi.answers("query_550_mixed.csv")
    before = look()
    environ["CUDA_VISIBLE_DEVICES"] = ""
    after = look()
    assert (after.gpus, after.driver) == (before.gpus, before.driver)
    assert "CUDA_VISIBLE_DEVICES" in after.notes[0]


BROKEN = [
    ("error_not_loaded.txt", 9),
    ("error_mismatch_550.txt", 18),
    ("error_permission.txt", 4),
    ("error_no_library.txt", 12),
    ("error_lost.txt", 15),
    ("error_nvml_unknown.txt", 255),
    ("garbage_localised.txt", 1),
]


@pytest.mark.parametrize(("text", "status"), BROKEN)
def test_broken_with_a_loaded_module(look: Look, smi: Smi, proc_driver: None, text: str, status: int) -> None:
    smi.answers(text, text, text, status=status)
    view = look()
    assert view.driver.value == Version("535.104.05")
    assert view.driver.origin == "/proc/driver/nvidia/version"
    assert view.gpus.value == (Gpu("NVIDIA GeForce RTX 3090", Capability(8, 6)),)
    assert len(view.notes) == 1
    assert smi.calls <= 2


@pytest.mark.parametrize(("text", "status"), BROKEN)
def test_broken_with_a_gpu_on_the_bus_is_unknown(
    look: Look, smi: Smi, gpu_on_bus: None, text: str, status: int
) -> None:
    smi.answers(text, text, text, status=status)
    view = look()
    assert view.gpus.value is None
    assert "10de:2330" in view.gpus.reason
    assert "--gpu" in view.gpus.reason
    assert view.driver.reason
    assert view.notes == ()


@pytest.mark.parametrize(("text", "status"), [*BROKEN, ("error_no_devices.txt", 6)])
def test_broken_without_any_gpu_is_no_gpu(look: Look, smi: Smi, text: str, status: int) -> None:
    smi.answers(text, text, text, status=status)
    view = look()
    assert view.gpus.value == ()
    assert view.driver.reason == "no NVIDIA driver"


def test_broken_on_wsl_is_unknown(look: Look, smi: Smi, put: Put) -> None:
    put("/proc/version", "Linux version 5.15.90.1-microsoft-standard-WSL2\n")
    smi.answers("error_wsl_blocked.txt", status=255)
    view = look()
    assert "wsl --shutdown" in view.gpus.reason
    assert "wsl --shutdown" in view.driver.reason


def test_no_devices_although_the_bus_has_one(look: Look, smi: Smi, gpu_on_bus: None, proc_driver: None) -> None:
    smi.answers("error_no_devices.txt", status=6)
    view = look()
    assert view.driver.value == Version("535.104.05")
    assert "may not support the GPU" in view.gpus.reason


def test_a_list_that_breaks_off_is_finished_by_the_kernel(look: Look, smi: Smi, proc_driver: None) -> None:
    smi.answers("query_truncated.csv")
    view = look()
    assert view.driver.origin == "nvidia-smi"
    assert view.gpus.origin == "/proc/driver/nvidia/gpus"


def test_driver_known_and_gpus_not(look: Look, smi: Smi) -> None:
    smi.answers("query_truncated.csv")
    view = look(root=Path("/nonexistent"))
    assert view.driver.value == Version("535.104.05")
    assert "breaks off" in view.gpus.reason


def test_hanging(look: Look, smi: Smi, proc_driver: None) -> None:
    smi.script(f'echo x >> "{smi.log}"\nsleep 60\n')
    started = time.monotonic()
    view = look(time_limit=0.3)
    assert time.monotonic() - started < 3
    assert smi.calls == 1
    assert view.driver.value == Version("535.104.05")
    assert "hangs" in view.notes[0]


def test_dying_in_the_middle(look: Look, smi: Smi, gpu_on_bus: None) -> None:
    smi.script("kill -SEGV $$\n")
    assert look().gpus.value is None


@pytest.mark.parametrize("content", [b"\x7fELF\x00\x00broken", b"#!/no/such/interpreter\n", b"\xff\xfe\x00", b""])
def test_not_a_program(look: Look, smi: Smi, gpu_on_bus: None, content: bytes) -> None:
    smi.content(content)
    view = look()
    assert view.gpus.value is None
    assert "nvidia-smi" in view.gpus.reason


def test_binary_output(look: Look, smi: Smi, gpu_on_bus: None) -> None:
    smi.script(r"printf '\377\376\000\001NVIDIA\n\200'; exit 0")
    assert "something unknown" in look().gpus.reason


def test_without_nvidia_smi(look: Look, proc_driver: None) -> None:
    view = look()
    assert view.driver.value == Version("535.104.05")
    assert view.gpus.value == (Gpu("NVIDIA GeForce RTX 3090", Capability(8, 6)),)
    assert view.notes == ()


def test_a_container_without_its_gpus_is_told(look: Look, root: Path, proc_driver: None) -> None:
    (root / "dev/nvidiactl").unlink()
    assert "--gpus all" in look().notes[0]


def test_module_version_where_proc_is_broken(look: Look, put: Put, gpu_on_bus: None) -> None:
    put("/proc/driver/nvidia/version", "nonsense\n")
    put("/sys/module/nvidia/version", "570.124.06\n")
    view = look()
    assert view.driver.value == Version("570.124.06")
    assert view.driver.origin == "/sys/module/nvidia/version"
    assert "/proc/driver/nvidia/version holds no driver version" in view.notes
    assert "10de:2330" in view.gpus.reason


def test_a_gpu_without_driver(look: Look, gpu_on_bus: None) -> None:
    view = look()
    assert view.gpus.value is None
    assert "no driver is loaded" in view.gpus.reason
    assert view.driver.reason == "no NVIDIA driver is loaded"


def test_a_jetson_is_not_called_empty(look: Look, put: Put) -> None:
    put("/proc/device-tree/compatible", "nvidia,p3737-0000+p3701-0000\0nvidia,tegra234\0")
    assert "Jetson" in look().gpus.reason


def test_every_query_sample_goes_through(look: Look, smi: Smi) -> None:
    for sample in sorted(SAMPLES.glob("query_5*.csv")):
        smi.answers(sample.name)
        assert look().driver.known, sample.name
