"""Wheels named by their address: what the file name says of version, build and Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from compatmatrix.manifests.manifest import Section
from compatmatrix.manifests.read import read_manifest

_PYTORCH = "https://download.pytorch.org/whl"


def section(tmp_path: Path, text: str) -> Section:
    path = tmp_path / "requirements.txt"
    path.write_text(text)
    return read_manifest(path).sections[0]


@pytest.mark.parametrize(
    ("line", "specifier", "flavour", "opaque", "python"),
    [
        (
            f"torch @ {_PYTORCH}/cu118/torch-2.1.0%2Bcu118-cp310-cp310-linux_x86_64.whl",
            "==2.1.0+cu118",
            "cu118",
            False,
            "==3.10.*",
        ),
        (f"{_PYTORCH}/cpu/torch-2.8.0-cp312-cp312-win_amd64.whl#sha256=ab", "==2.8.0", "cpu", False, "==3.12.*"),
        ("https://wheels.example/torch-2.8.0-cp311-cp311-linux_x86_64.whl", "==2.8.0", None, True, "==3.11.*"),
        ("./wheels/torch-2.8.0-cp311-cp311-linux_x86_64.whl", "==2.8.0", None, True, "==3.11.*"),
        ("torch-2.8.0+cpu-cp39-abi3-linux_x86_64.whl", "==2.8.0+cpu", "cpu", False, ""),
        (
            f"torch @ {_PYTORCH}/cu126/torch-2.8.0-py3-none-any.whl ; python_version > '3'",
            "==2.8.0",
            "cu126",
            False,
            "",
        ),
    ],
)
def test_a_wheel(tmp_path: Path, line: str, specifier: str, flavour: str | None, opaque: bool, python: str) -> None:
    found = section(tmp_path, line)
    (entry,) = found.entries
    assert (entry.name, entry.specifier, entry.flavour, entry.opaque) == ("torch", specifier, flavour, opaque)
    assert found.python == python


@pytest.mark.parametrize("line", ["https://wheels.example/torch.whl", "torch @ https://wheels.example/x/torch-2.8.zip"])
def test_no_wheel_name(tmp_path: Path, line: str) -> None:
    assert section(tmp_path, line).entries == ()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
def test_a_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "requirements.txt"
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    path.write_bytes(f"{mark}torch==2.1.0\r\n".encode(encoding))
    assert read_manifest(path).stack.versions() == {"torch": "2.1.0"}
