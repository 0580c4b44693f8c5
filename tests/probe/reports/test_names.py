from __future__ import annotations

import pytest

from compatmatrix.matrix import load_matrix
from compatmatrix.model.cuda import Capability
from compatmatrix.probe.reports.names import capability_of, libc_of, machine_of, system_of


@pytest.mark.parametrize(
    ("name", "capability"),
    [
        ("GeForce RTX 2070", "7.5"),
        ("GTX1080", "6.1"),
        ("RTX 3080 12GB", "8.6"),
        ("A100-SXM4-40GB (MIG 3g.20gb)", "8.0"),
        ("V100", "7.0"),
        ("NVIDIA GeForce RTX 4080 Laptop GPU", "8.9"),
        ("GeForce GTX 108...", "6.1"),
        ("Jetson AGX Orin", "8.7"),
        ("GB200 (example named)", "10.0"),
    ],
)
def test_names_as_people_write_them(name: str, capability: str) -> None:
    assert capability_of(name, load_matrix()) == Capability.parse(capability)


@pytest.mark.parametrize(
    "name", ["NVIDIA GeForce", "NVIDIA GeForce (24 GB)", "GeForce ...", "GPU", "RTX", "", "Radeon VII"]
)
def test_a_guess_would_be_a_false_alarm(name: str) -> None:
    assert capability_of(name, load_matrix()) is None


@pytest.mark.parametrize(
    ("text", "system", "machine"),
    [
        ("Ubuntu 22.04.2 LTS (WSL2) (x86_64)", "linux", "x86_64"),
        ("Microsoft Windows 11 Education (AMD64)", "windows", "x86_64"),
        ("Windows 11 WSL2", "linux", ""),
        ("macOS 15.5 (arm64)", "macos", "aarch64"),
        ("Darwin Kernel Version 17.7 x86_64", "macos", "x86_64"),
        ("Linux (Jetson Orin)", "linux", "aarch64"),
        ("Google Colab (Linux)", "linux", ""),
        ("macOS-10.16-x86_64-i386-64bit", "macos", "x86_64"),
        ("something else", "", ""),
    ],
)
def test_systems(text: str, system: str, machine: str) -> None:
    assert (system_of(text), machine_of(text)) == (system, machine)


def test_libc() -> None:
    assert str(libc_of("glibc-2.28")) == "glibc 2.28"
    assert libc_of("Alpine Linux v3.19") is not None
    assert str(libc_of("macOS 13.7.4 (arm64)")) == "macos 13.7"
    assert libc_of("macOS-10.16-x86_64-i386-64bit") is None
    assert libc_of("N/A") is None
