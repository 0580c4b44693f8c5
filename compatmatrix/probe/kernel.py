"""What the kernel's files say about the NVIDIA driver, its GPUs and where we run. Reads below a given root only."""

import re
from pathlib import Path
from typing import NamedTuple

from compatmatrix.model.driver import DriverVersion
from compatmatrix.probe.files import exists

PROC_VERSION = "/proc/driver/nvidia/version"
MODULE_VERSION = "/sys/module/nvidia/version"
PROC_GPUS = "/proc/driver/nvidia/gpus"
PCI_DEVICES = "/sys/bus/pci/devices"


class Read(NamedTuple):
    """A file's text, or why there is none: absent (the next rung) is not the same as broken (worth a word)."""

    text: str | None
    broken: str = ""


def read_text(root: Path, name: str) -> Read:
    """Read a small file below root; name is absolute."""
    try:
        with (root / name.lstrip("/")).open("rb") as file:
            return Read(file.read(1 << 16).decode("utf-8", "replace"))
    except (FileNotFoundError, NotADirectoryError):
        return Read(None)
    except OSError as error:
        return Read(None, f"{name} cannot be read ({error.strerror or error})")


def loaded_driver(root: Path) -> tuple[DriverVersion | None, str, tuple[str, ...]]:
    """The version of the loaded kernel module, the file that says so, and what was broken on the way."""
    broken = []
    for name, parse in ((PROC_VERSION, parse_proc_version), (MODULE_VERSION, parse_module_version)):
        read = read_text(root, name)
        if read.text is None:
            broken += [read.broken] if read.broken else []
            continue
        version = parse(read.text)
        if version:
            return version, name, tuple(broken)
        broken.append(f"{name} holds no driver version")
    return None, "", tuple(broken)


def parse_proc_version(text: str) -> DriverVersion | None:
    """The driver in /proc/driver/nvidia/version, of the proprietary or of the open kernel module.

    The first dotted number after "Module" (or "Module for x86_64") on the line "NVRM version:".
    """
    match = re.search(r"^NVRM version:.*?\bModule\b.*?\s([0-9]{1,4}(?:\.[0-9]{1,4}){1,3})\s", text, re.MULTILINE)
    return DriverVersion(match[1]) if match else None


def parse_module_version(text: str) -> DriverVersion | None:
    """The driver in /sys/module/nvidia/version."""
    match = re.fullmatch(r"\s*([0-9]{1,4}(?:\.[0-9]{1,4}){1,3})\s*", text)
    return DriverVersion(match[1]) if match else None


def parse_gpu_information(text: str) -> str | None:
    """The name in /proc/driver/nvidia/gpus/*/information; None where the driver does not know it."""
    match = re.search(r"^Model:[ \t]*(\S.{0,99}?)[ \t]*$", text, re.MULTILINE)
    return match[1] if match and match[1].lower() != "unknown" else None


def driver_gpus(root: Path) -> list[str | None] | None:
    """Names of the GPUs that the kernel module drives, in bus order; None where there is no such list."""
    try:
        folders = sorted((root / PROC_GPUS.lstrip("/")).iterdir())
    except OSError:
        return None
    names = [read_text(root, f"{PROC_GPUS}/{folder.name}/information").text for folder in folders]
    return [parse_gpu_information(text or "") for text in names]


def pci_gpus(root: Path) -> list[str] | None:
    """PCI ids ("10de:2330") of NVIDIA display controllers (class 03xx); None where the bus cannot be seen."""
    try:
        devices = sorted((root / PCI_DEVICES.lstrip("/")).iterdir())
    except OSError:
        return None
    found = []
    for device in devices:
        if _line(device / "vendor") == "0x10de" and _line(device / "class").startswith("0x03"):
            found.append(f"10de:{_line(device / 'device').removeprefix('0x') or '????'}")
    return found


def has_mig(root: Path) -> bool:
    """Whether a GPU is cut into MIG instances."""
    return any((root / "proc/driver/nvidia/capabilities").glob("gpu*/mig/gi*"))


def is_wsl(root: Path) -> bool:
    """Whether this is Linux on Windows: the driver is then the Windows driver."""
    return "microsoft" in (read_text(root, "/proc/version").text or "").lower()


def is_container(root: Path) -> bool:
    """Whether Docker (/.dockerenv) or Podman (/run/.containerenv) started us."""
    return exists(root / ".dockerenv") or exists(root / "run/.containerenv")


def is_tegra(root: Path) -> bool:
    """Whether this is a Jetson: its GPU is on no PCI bus."""
    if exists(root / "etc/nv_tegra_release"):
        return True
    return "nvidia,tegra" in (read_text(root, "/proc/device-tree/compatible").text or "")


def has_device_nodes(root: Path) -> bool:
    """Whether programs can reach the driver at all (/dev/nvidiactl, or /dev/dxg on WSL)."""
    return exists(root / "dev/nvidiactl") or exists(root / "dev/dxg")


def surroundings(root: Path) -> tuple[str, ...]:
    """Notes on where we run: "WSL", "container"."""
    return (("WSL",) if is_wsl(root) else ()) + (("container",) if is_container(root) else ())


def _line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(64).decode("ascii", "replace").strip().lower()
    except OSError:
        return ""
