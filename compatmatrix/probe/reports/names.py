"""GPU names as people write them, to compute capabilities; systems as reports name them, to platforms."""

from __future__ import annotations

import re

from compatmatrix.errors import UsageError
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.cuda import Capability
from compatmatrix.model.host import Libc

_TEGRA = re.compile(r"\b(?:Jetson|Tegra|Orin|Xavier|AGX)\b", re.IGNORECASE)
_TEGRA_PARTS = (("thor", "NVIDIA Thor"), ("orin", "Orin"), ("xavier", "Xavier"), ("tx2", "NVIDIA Tegra X2"),
                ("nano", "NVIDIA Tegra X1"), ("tx1", "NVIDIA Tegra X1"))  # fmt: skip


def capability_of(name: str, matrix: Matrix) -> Capability | None:
    """The capability of a GPU as somebody wrote its name; None where it is unknown, or fits several generations."""
    if not re.search(r"\d|titan|jetson|orin|xavier|thor|spark", name, re.IGNORECASE):
        return None
    found = matrix.capability_of(name)
    if found:
        return found
    if _TEGRA.search(name):
        lower = name.lower()
        return next((matrix.capability_of(part) for word, part in _TEGRA_PARTS if word in lower), None)
    plain = re.sub(r"\(.*?\)|\(.*$", " ", name)
    plain = re.sub(
        r"(?:^|\s)\d{1,3}\s?G(?:i?B)?\b|\bGPUs?\b|\b\d+(?:\.\d+)?\s?GiB\b|®|\bLaptop$", " ", plain, flags=re.IGNORECASE
    )
    plain = re.sub(r"\b(GTX|RTX|GT)-?(\d)", r"\1 \2", plain, flags=re.IGNORECASE)
    plain = re.sub(r"\b(\d{3,4})\s?-?(ti|super)\b", r"\1 \2", plain, flags=re.IGNORECASE)
    plain = " ".join(plain.strip(" -_,.;:").split())
    if "..." in name:
        return _by_prefix(name.split("...")[0], matrix)
    if not re.search(r"\d", plain) and len(plain) < 5:
        return None
    found = matrix.capability_of(plain)
    if found:
        return found
    try:
        return matrix.gpu_names.find(plain).capability
    except UsageError:
        return None


def _by_prefix(start: str, matrix: Matrix) -> Capability | None:
    """nvidia-smi cuts long names off; the part that is left must lead to one capability only."""
    plain = re.sub(r"^(?:NVIDIA |GeForce |Tesla )+", "", start.strip()).lower()
    if len(plain) < 3:
        return None
    found = {
        row.capability
        for row in matrix.gpus
        if re.sub(r"^(?:nvidia |geforce |tesla )+", "", row.name.lower()).startswith(plain)
    }
    return found.pop() if len(found) == 1 else None


def is_tegra(text: str) -> bool:
    """Whether a name or a system is a Jetson's."""
    return bool(_TEGRA.search(text)) or "L4T" in text


def system_of(text: str) -> str:
    """The system that a text names: "linux", "windows", "macos", "android", or empty."""
    lower = text.lower()
    if "android" in lower:
        return "android"
    if "wsl" in lower or "microsoft-standard" in lower:
        return "linux"
    if re.search(r"\bwin(?:dows|32|64|-64| ?1[01])?\b|windows", lower) and "darwin" not in lower:
        return "windows"
    if re.search(r"mac ?os|darwin|os x|\bmac\b", lower):
        return "macos"
    if re.search(
        r"linux|ubuntu|debian|centos|fedora|red ?hat|rhel|suse|alpine|arch\b|manjaro|rocky|alma|amazon|gentoo|nixos|"
        r"raspb|pop!|mint|colab|kaggle|\d+~\d\d\.\d\d\.\d-ubuntu|jetson|l4t|oracle|deepin|kali",
        lower,
    ):
        return "linux"
    return ""


def machine_of(text: str) -> str:
    """The machine that a text names: "x86_64", "aarch64", "i686", or empty."""
    lower = text.lower()
    if re.search(
        r"aarch64|arm64|\bm[1-4]\b(?: (?:pro|max|ultra))?|apple silicon|jetson|l4t|gh200|gb200|grace|snapdragon|"
        r"raspberry",
        lower,
    ):
        return "aarch64"
    if re.search(r"\b(?:i[3-6]86|32-bit|32 bit|armv7l)\b", lower) and "64" not in lower.replace("-64bit", ""):
        return "i686"
    if re.search(r"x86_64|amd64|x86-64|\bx64\b|64-bit|win-64|\bintel\b", lower):
        return "x86_64"
    if "-i386-64bit" in lower:
        return "x86_64"
    return ""


def libc_of(text: str) -> Libc | None:
    """The C library, or macOS with its version, that a text names."""
    match = re.search(r"glibc[- ]?(\d)\.(\d{1,2})", text, re.IGNORECASE)
    if match:
        return Libc("glibc", int(match[1]), int(match[2]))
    if re.search(r"\bmusl\b|alpine", text, re.IGNORECASE):
        return Libc("musl", 1, 2)
    match = re.search(r"mac ?os(?: x)?[ -](\d{2})\.(\d{1,2})", text, re.IGNORECASE)
    # Pythons built for old systems see every later one as 10.16.
    if match and (match[1], match[2]) != ("10", "16"):
        return Libc("macos", int(match[1]), int(match[2]))
    return None
