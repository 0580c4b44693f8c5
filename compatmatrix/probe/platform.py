"""The platform and the C library that a wheel must fit: of the interpreter looked at, else of our own process.

The machine is read from the interpreter's own file (ELF, Mach-O or PE header): a 32-bit Python on a 64-bit kernel
and an emulated one need other wheels than the kernel's name suggests. Nothing is run, except musl's loader where
only it can tell its version.
"""

import os
import re
import struct
import sys
from pathlib import Path
from typing import NamedTuple

from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Libc

_SYSTEMS = {"win32": "windows", "darwin": "macos", "cygwin": "windows"}
_ELF_MACHINES = {3: "i686", 20: "ppc", 21: "ppc64le", 22: "s390x", 40: "armv7l", 62: "x86_64", 183: "aarch64",
                 243: "riscv64", 258: "loongarch64"}  # fmt: skip
_MACHO_MACHINES = {0x01000007: "x86_64", 0x0100000C: "arm64"}
_PE_MACHINES = {0x014C: "x86", 0x8664: "amd64", 0xAA64: "arm64"}


class Binary(NamedTuple):
    """An executable's machine ("x86_64") and, for ELF, its loader ("/lib64/ld-linux-x86-64.so.2")."""

    machine: str
    loader: str = ""


def read_binary(path: Path) -> Binary | None:
    """Read an executable's header; None where there is none (a script, a fat Mach-O, an unknown machine)."""
    try:
        with path.open("rb") as file:
            head = file.read(1 << 13)
    except OSError:
        return None
    try:
        if head[:4] == b"\x7fELF":
            return _read_elf(head)
        if head[:4] == b"\xcf\xfa\xed\xfe":
            machine = _MACHO_MACHINES.get(struct.unpack_from("<I", head, 4)[0])
        elif head[:2] == b"MZ":
            (offset,) = struct.unpack_from("<I", head, 0x3C)
            machine = _PE_MACHINES.get(struct.unpack_from("<H", head, offset + 4)[0])
        else:
            return None
    except (struct.error, IndexError):
        return None
    return Binary(machine) if machine else None


def _read_elf(head: bytes) -> Binary | None:
    wide, order = head[4] == 2, "<" if head[5] == 1 else ">"
    machine = _ELF_MACHINES.get(struct.unpack_from(f"{order}H", head, 18)[0])
    if machine is None:
        return None
    (table,) = struct.unpack_from(f"{order}Q", head, 32) if wide else struct.unpack_from(f"{order}I", head, 28)
    size, count = struct.unpack_from(f"{order}HH", head, 54 if wide else 42)
    for number in range(count):
        at = table + number * size
        if struct.unpack_from(f"{order}I", head, at)[0] == 3:  # PT_INTERP
            if wide:
                offset, length = struct.unpack_from(f"{order}Q16xQ", head, at + 8)
            else:
                offset, length = struct.unpack_from(f"{order}I8xI", head, at + 4)
            return Binary(machine, head[offset : offset + length].rstrip(b"\0").decode("ascii", "replace"))
    return Binary(machine)


def platform_name(system: str, machine: str) -> str:
    """The contract's word for a system (as sys.platform) and a machine: "linux-x86_64", "windows-amd64"."""
    system = _SYSTEMS.get(system.lower(), re.sub(r"[^a-z]", "", system.lower()) or "unknown")
    machine = machine.lower()
    if machine in {"x86_64", "amd64", "x64"}:
        machine = "amd64" if system == "windows" else "x86_64"
    elif machine in {"aarch64", "arm64"}:
        machine = "aarch64" if system == "linux" else "arm64"
    elif re.fullmatch(r"i[3-6]86", machine):
        machine = "i686"
    return f"{system}-{re.sub(r'[^a-z0-9_]', '', machine) or 'unknown'}"


def own_machine() -> str:
    """The machine of our own process, as the system names it."""
    if sys.platform == "win32":
        return os.environ.get("PROCESSOR_ARCHITECTURE", "")
    machine = os.uname().machine
    if sys.maxsize < 2**32:
        return {"x86_64": "i686", "aarch64": "armv7l"}.get(machine, machine)
    return machine


def detect_platform(
    interpreter: Path | None = None, *, system: str = sys.platform
) -> tuple[Fact[str], tuple[str, ...]]:
    """The platform of an interpreter (None: of our own process), and notes on a 32-bit or emulated one."""
    kernel = own_machine()
    binary = read_binary(interpreter) if interpreter else None
    if binary is None:
        return Fact.of(platform_name(system, kernel), "this system"), ()
    name = platform_name(system, binary.machine)
    if name == platform_name(system, kernel):
        return Fact.of(name, "interpreter's file"), ()
    bits = "32-bit Python" if binary.machine in {"i686", "x86", "armv7l", "ppc"} else "Python"
    return Fact.of(name, "interpreter's file"), (f"the {bits} looked at is built for {binary.machine}, on {kernel}",)


def detect_libc(interpreter: Path | None = None, *, root: Path = Path("/"), system: str = sys.platform) -> Fact[Libc]:
    """The C library below an interpreter (None: below our own process), or the version of macOS."""
    if system == "darwin":
        return _macos(root)
    if system != "linux":
        return Fact.unknown("wheels for this system do not depend on a C library")
    binary = read_binary(interpreter) if interpreter else None
    loader = binary.loader if binary else ""
    if "ld-musl" in loader:
        return _musl(root, loader)
    glibc = _glibc()
    if glibc:
        return Fact.of(glibc, "confstr")
    found = sorted((root / "lib").glob("ld-musl-*.so.1"))
    if found and not loader:
        return _musl(root, f"/lib/{found[0].name}")
    return Fact.unknown("the C library does not tell its version: name it with --glibc")


def _glibc() -> Libc | None:
    try:
        text = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):
        return None
    match = re.fullmatch(r"glibc ([0-9]{1,3})\.([0-9]{1,4}).*", text)
    return Libc("glibc", int(match[1]), int(match[2])) if match else None


def _musl(root: Path, loader: str) -> Fact[Libc]:
    """musl states its version only when its loader is started without arguments (on stderr, exit status 1)."""
    from compatmatrix.process import run

    done = run([str(root / loader.lstrip("/"))], timeout=2)
    match = re.search(r"^Version ([0-9]{1,3})\.([0-9]{1,4})", done.stderr, re.MULTILINE)
    if not match:
        return Fact.unknown(f"this is musl, but {loader} does not tell its version")
    return Fact.of(Libc("musl", int(match[1]), int(match[2])), loader)


def _macos(root: Path) -> Fact[Libc]:
    place = "System/Library/CoreServices/SystemVersion.plist"
    try:
        text = (root / place).read_text("utf-8", "replace")
    except OSError as error:
        return Fact.unknown(f"the version of macOS cannot be read ({error.strerror or error})")
    match = re.search(r"<key>ProductVersion</key>\s*<string>([0-9]{1,3})(?:\.([0-9]{1,3}))?", text)
    if not match:
        return Fact.unknown(f"/{place} does not tell the version of macOS")
    return Fact.of(Libc("macos", int(match[1]), int(match[2] or 0)), "SystemVersion.plist")
