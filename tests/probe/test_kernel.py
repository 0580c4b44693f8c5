from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from compatmatrix.probe import kernel

Put = Callable[[str, str], Path]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  390.157  Wed Oct 12 09:19:07 UTC 2022\n", "390.157"),
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  450.80.02  Wed Sep 23 01:13:39 UTC 2020\n", "450.80.02"),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  565.57.01  Release Build  (dvs-builder@U16)\n",
            "565.57.01",
        ),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  580.65.06  Release Build  (x@y)  \n", "580.65.06"),
        ("NVRM version: something else\nGCC version:  gcc version 12.2.0 (GCC) \n", None),
        ("", None),
    ],
)
def test_proc_version(text: str, version: str | None) -> None:
    assert kernel.parse_proc_version(text) == (Version(version) if version else None)


@given(st.text() | st.text().map("NVRM version: Module ".__add__) | st.text().map("Model: ".__add__))
def test_no_text_raises(text: str) -> None:
    kernel.parse_proc_version(text)
    kernel.parse_module_version(text)
    kernel.parse_gpu_information(text)


def test_gpus_on_the_bus(root: Path, gpu_on_bus: None) -> None:
    assert kernel.pci_gpus(root) == ["10de:2330"]


def test_no_bus_is_not_an_empty_bus(tmp_path: Path, root: Path) -> None:
    assert kernel.pci_gpus(tmp_path / "nothing") is None
    assert kernel.pci_gpus(root) == []


@pytest.mark.parametrize(
    ("name", "text", "notes"),
    [
        ("/proc/version", "Linux version 6.1.0-18-amd64 (debian-kernel)\n", ()),
        ("/proc/version", "Linux version 5.15.90.1-microsoft-standard-WSL2 (oe-user@oe-host)\n", ("WSL",)),
        ("/proc/version", "Linux version 4.4.0-19041-Microsoft (Microsoft@Microsoft.com)\n", ("WSL",)),
        ("/.dockerenv", "", ("container",)),
        ("/run/.containerenv", "", ("container",)),
    ],
)
def test_surroundings(root: Path, put: Put, name: str, text: str, notes: tuple[str, ...]) -> None:
    put(name, text)
    assert kernel.surroundings(root) == notes


def test_a_folder_in_a_files_place_is_broken_not_absent(root: Path) -> None:
    (root / "proc/driver/nvidia/version").mkdir(parents=True)
    assert "cannot be read" in kernel.read_text(root, kernel.PROC_VERSION).broken
    assert kernel.read_text(root, kernel.MODULE_VERSION) == kernel.Read(None)
