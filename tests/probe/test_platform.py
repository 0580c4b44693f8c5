from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatmatrix.model.host import Libc
from compatmatrix.probe.platform import Binary, detect_libc, detect_platform, platform_name, read_binary


def elf(machine: int, loader: str, *, wide: bool = True) -> bytes:
    """The head of an ELF executable with one program header, PT_INTERP."""
    text = loader.encode() + b"\0"
    if wide:
        head = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        program = struct.pack("<IIQQQQQQ", 3, 4, 120, 0, 0, len(text), len(text), 1)
    else:
        head = struct.pack("<HHIIIIIHHHHHH", 2, machine, 1, 0, 52, 0, 0, 52, 32, 1, 0, 0, 0)
        program = struct.pack("<IIIIIIII", 3, 84, 0, 0, len(text), len(text), 4, 1)
    return b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9) + head + program + text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (elf(62, "/lib64/ld-linux-x86-64.so.2"), Binary("x86_64", "/lib64/ld-linux-x86-64.so.2")),
        (elf(183, "/lib/ld-musl-aarch64.so.1"), Binary("aarch64", "/lib/ld-musl-aarch64.so.1")),
        (elf(3, "/lib/ld-linux.so.2", wide=False), Binary("i686", "/lib/ld-linux.so.2")),
        (b"\xcf\xfa\xed\xfe" + struct.pack("<I", 0x0100000C) + bytes(24), Binary("arm64")),
        (b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<H", 0x8664), Binary("amd64")),
        (b"#!/bin/sh\n", None),
        (b"\x7fELF\x02\x01", None),
        (b"MZ", None),
        (b"", None),
    ],
)
def test_read_binary(tmp_path: Path, content: bytes, expected: Binary | None) -> None:
    path = tmp_path / "python"
    path.write_bytes(content)
    assert read_binary(path) == expected


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"\x7fELF\x02\x01", b"\x7fELF\x01\x02", b"MZ", b"\xcf\xfa\xed\xfe"])
)
def test_no_bytes_raise(tmp_path_factory: pytest.TempPathFactory, content: bytes, start: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "some-binary"
    path.write_bytes(start + content)
    read_binary(path)


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("linux", "x86_64", "linux-x86_64"),
        ("linux", "amd64", "linux-x86_64"),
        ("linux", "aarch64", "linux-aarch64"),
        ("linux", "arm64", "linux-aarch64"),
        ("linux", "ppc64le", "linux-ppc64le"),
        ("linux", "i386", "linux-i686"),
        ("win32", "AMD64", "windows-amd64"),
        ("win32", "ARM64", "windows-arm64"),
        ("darwin", "arm64", "macos-arm64"),
        ("darwin", "x86_64", "macos-x86_64"),
        ("freebsd14", "amd64", "freebsd-x86_64"),
        ("linux", "", "linux-unknown"),
    ],
)
def test_platform_name(system: str, machine: str, name: str) -> None:
    assert platform_name(system, machine) == name


def test_a_32_bit_python_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "python"
    path.write_bytes(elf(3, "/lib/ld-linux.so.2", wide=False))
    platform, notes = detect_platform(path, system="linux")
    assert platform.value == "linux-i686"
    assert "32-bit Python" in notes[0]


def test_our_own_python() -> None:
    platform, notes = detect_platform(Path(sys.executable))
    assert platform == detect_platform(None)[0] or platform.origin != detect_platform(None)[0].origin
    assert platform.value == detect_platform(None)[0].value
    assert notes == ()


@pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
def test_libc_is_known_on_linux() -> None:
    libc = detect_libc(Path(sys.executable))
    assert libc.value
    assert libc.value.kind in {"glibc", "musl"}


def test_musl_asks_its_loader(tmp_path: Path) -> None:
    loader = tmp_path / "lib/ld-musl-x86_64.so.1"
    loader.parent.mkdir()
    loader.write_text(
        "#!/bin/sh\nprintf 'musl libc (x86_64)\\nVersion 1.2.4\\nDynamic Program Loader\\n' >&2\nexit 1\n"
    )
    python = tmp_path / "python"
    python.write_bytes(elf(62, "/lib/ld-musl-x86_64.so.1"))
    assert detect_libc(python, root=tmp_path, system="linux").reason
    loader.chmod(0o755)
    assert detect_libc(python, root=tmp_path, system="linux").value == Libc("musl", 1, 2)


def test_macos(tmp_path: Path) -> None:
    plist = tmp_path / "System/Library/CoreServices/SystemVersion.plist"
    assert "cannot be read" in detect_libc(root=tmp_path, system="darwin").reason
    plist.parent.mkdir(parents=True)
    plist.write_text("<dict>\n<key>ProductVersion</key>\n<string>14.4.1</string>\n</dict>")
    assert detect_libc(root=tmp_path, system="darwin").value == Libc("macos", 14, 4)
    plist.write_text("<dict></dict>")
    assert "does not tell" in detect_libc(root=tmp_path, system="darwin").reason


def test_windows_has_no_libc() -> None:
    assert detect_libc(system="win32").reason
