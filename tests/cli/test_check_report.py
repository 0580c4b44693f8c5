"""`check --report`: what is said of it, and what hostile input does to it."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import pytest

from .conftest import Ask

NUMPY = "PyTorch version: 2.2.2+cpu\nCUDA used to build PyTorch: None\nOS: Ubuntu 22.04\n[pip3] numpy==2.0.0\n"
HEALTHY = (
    "PyTorch version: 2.5.1+cu124\nPython version: 3.12.4\nOS: Ubuntu 22.04\nGPU 0: NVIDIA L40S\n"
    "Nvidia driver version: 535.183.01\n"
)


def report(folder: Path, text: str | bytes) -> Path:
    path = folder / "report.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_an_incompatible_report(ask: Ask, tmp_path: Path) -> None:
    answer = ask("check", "--report", report(tmp_path, NUMPY))
    assert answer.status == 1
    assert "  line 1: torch 2.2.2+cpu" in answer.out
    assert "error[numpy-abi]: numpy 2.0.0" in answer.out
    assert "confidence: certain" in answer.out
    assert answer.out.splitlines()[-1] == "incompatible (certain)"


def test_a_healthy_report(ask: Ask, tmp_path: Path) -> None:
    answer = ask("check", "--report", report(tmp_path, HEALTHY))
    assert answer.status == 0
    assert "error" not in answer.out
    assert answer.out.splitlines()[-1] == "compatible (certain)"


@pytest.mark.parametrize(
    ("missing", "asked"), [("Python version", "the Python"), ("OS", "the operating"), ("GPU", "the GPU")]
)
def test_what_is_missing_makes_it_likely(ask: Ask, tmp_path: Path, missing: str, asked: str) -> None:
    text = "".join(line for line in HEALTHY.splitlines(keepends=True) if not line.startswith(missing))
    answer = ask("check", "--report", report(tmp_path, text))
    assert answer.out.splitlines()[-1] == "compatible (likely)"
    assert f"ask next for {asked}" in answer.out


def test_the_contract(ask: Ask, tmp_path: Path) -> None:
    data = ask("check", "--report", report(tmp_path, NUMPY), "--json").json
    assert (data["schema"], data["command"], data["verdict"]) == (1, "check", "incompatible")
    assert (data["confidence"], data["ask_next"]) == ("certain", None)
    assert data["stack"]["numpy"] == {"version": "2.0.0", "flavour": None, "origin": "line 4"}
    assert data["host"]["platform"] == {"value": "linux-x86_64", "origin": "line 3"}
    assert {"line": 4, "fact": "numpy", "value": "2.0.0"} in data["understood"]
    assert data["repair"] is None
    (finding,) = data["findings"]
    assert (finding["code"], finding["confidence"], finding["fix"]) == ("numpy-abi", "certain", ["numpy<2"])
    assert finding.keys() == {
        "code", "severity", "message", "hint", "fix", "packages", "evidence", "where", "confidence", "lines",
    }  # fmt: skip


def test_a_bare_error_text_is_likely_and_asks_for_one_fact(ask: Ask, tmp_path: Path) -> None:
    path = report(tmp_path, "RuntimeError: operator torchvision::nms does not exist\n")
    data = ask("check", "--report", path, "--json").json
    assert (data["verdict"], data["confidence"]) == ("incompatible", "likely")
    assert "pip list" in data["ask_next"]
    assert data["findings"][0]["lines"] == [1]
    assert data["findings"][0]["where"] == {"file": str(path), "line": 1}


def test_nothing_understood(ask: Ask, tmp_path: Path) -> None:
    path = report(tmp_path, "it does not work, please help\n")
    answer = ask("check", "--report", path)
    assert answer.status == 0
    assert "ask next for the versions" in answer.out
    assert answer.out.splitlines()[-1] == "unknown"
    assert ask("check", "--report", path, "--strict").status == 1


def test_standard_input(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(NUMPY.encode())))
    assert ask("check", "--report", "-").status == 1


def test_not_together_with_files(ask: Ask, tmp_path: Path) -> None:
    path = report(tmp_path, NUMPY)
    answer = ask("check", path, "--report", path)
    assert answer.status == 2
    assert answer.err.startswith("error[usage]: ")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\x7fELF" + bytes(4000), "binary"),
        (bytes(range(256)) * 40, "binary"),
    ],
)
def test_no_text(ask: Ask, tmp_path: Path, raw: bytes, words: str) -> None:
    answer = ask("check", "--report", report(tmp_path, raw))
    assert (answer.status, answer.out) == (3, "")
    assert answer.err.startswith("error[bad-input]: ")
    assert words in answer.err


def test_no_file(ask: Ask, tmp_path: Path) -> None:
    answer = ask("check", "--report", tmp_path / "nowhere.txt")
    assert answer.status == 3
    assert "No such file" in answer.err


HOSTILE = {
    "one line": b"a" * 3_000_000,
    "dots": b"1." * 1_000_000,
    "spaces": b"torch" + b" " * 2_000_000 + b"1.0\n",
    "lines of spaces": (b"torch" + b" " * 3990 + b"x\n") * 400,
    "brackets": b"(" * 500_000 + b"[" * 500_000,
    "quotes": (b"> " * 1900 + b"\n") * 200,
    "frames": (b"| " * 1900 + b"\n") * 200,
    "versions": b"(from versions: " + b"1.0, " * 200_000 + b")",
    "words": b"fastai/a.py torchvision/b.py alpine musl nvidia sm_37 " * 20_000,
    "numbers": b"torch=="
    + b"9" * 3000
    + b"\nDriver Version: 999999999.9\nPython version: 3.99999\nfound version 99999\n",
    "versions that are none": b"torch==1.0+..\nfastai==!!\nPyTorch version: 1.2.3.4.5.6\ncompute capability: 99.9\n",
    "controls": b"\x1b[31m" * 50_000 + b"torch==1.0\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_gets_an_answer_in_time(ask: Ask, tmp_path: Path, name: str) -> None:
    before = time.monotonic()
    answer = ask("check", "--report", report(tmp_path, HOSTILE[name]), "--json")
    assert answer.status in (0, 1, 3)
    assert "Traceback" not in answer.err
    assert time.monotonic() - before < 20


@pytest.mark.slow
@pytest.mark.parametrize("line", [b"step %d torch cuda nvidia python line loss=%d\n", b"%d %d %x\n"[:6] + b"\n"])
def test_fifty_megabytes(ask: Ask, tmp_path: Path, line: bytes) -> None:
    count = line.count(b"%")
    text = b"".join(line % ((number,) * count) for number in range(50_000_000 // (len(line) + 8)))
    text = b"PyTorch version: 2.2.2+cpu\n" + text + b"\n[pip3] numpy==2.0.0\n"
    before = time.monotonic()
    answer = ask("check", "--report", report(tmp_path, text))
    assert answer.status == 1
    assert "error[numpy-abi]" in answer.out
    assert "note: the report is long" in answer.out
    assert time.monotonic() - before < 30
