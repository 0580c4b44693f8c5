"""Real small programs and a real file tree for the probes: nothing of ours is replaced."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from .fakes import Smi


@pytest.fixture
def smi(tmp_path: Path) -> Smi:
    """A fake nvidia-smi in the folder that `environ` has on PATH."""
    return Smi(tmp_path / "bin")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment with tmp_path/bin first on PATH, then what a shell script needs."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("cat", "sleep", "sh", "printf", "kill"):
        where = shutil.which(tool)
        if where:
            (tools / tool).symlink_to(where)
    return {"PATH": f"{tmp_path / 'bin'}:{tools}"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty file-system root with a PCI bus that holds no GPU."""
    root = tmp_path / "root"
    (root / "sys/bus/pci/devices").mkdir(parents=True)
    return root


@pytest.fixture
def put(root: Path) -> Callable[[str, str], Path]:
    """Write a file below root."""

    def write(name: str, text: str = "") -> Path:
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    return write


@pytest.fixture
def gpu_on_bus(put: Callable[[str, str], Path]) -> None:
    """An NVIDIA display controller (an H100), its audio function, and another vendor's display controller."""
    for number, (vendor, kind, device) in enumerate(
        (("0x10de", "0x030200", "0x2330"), ("0x10de", "0x040300", "0x22bb"), ("0x1002", "0x030000", "0x1638"))
    ):
        for name, value in (("vendor", vendor), ("class", kind), ("device", device)):
            put(f"/sys/bus/pci/devices/0000:01:00.{number}/{name}", value + "\n")


@pytest.fixture
def proc_driver(put: Callable[[str, str], Path]) -> None:
    """The kernel module's files of a machine with one RTX 3090 and driver 535.104.05."""
    put(
        "/proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\n"
        "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n",
    )
    put(
        "/proc/driver/nvidia/gpus/0000:01:00.0/information",
        "Model: \t\t NVIDIA GeForce RTX 3090\nIRQ:   \t\t 120\nGPU UUID: \t GPU-????????\nVideo BIOS: \t 94.02.42\n",
    )
    put("/dev/nvidiactl", "")
