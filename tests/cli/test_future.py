"""A new torch with a new CUDA is rows: no line of code knows a release."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import FUTURE_ROWS

from compatmatrix.matrix.load import data_folder

from .conftest import Ask


@pytest.fixture(scope="module")
def future(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real matrix with torch 2.99.0 and CUDA 14.0 added to its end."""
    path = tmp_path_factory.mktemp("future") / "matrix.toml"
    path.write_text((data_folder() / "matrix.toml").read_text(encoding="utf-8") + FUTURE_ROWS, encoding="utf-8")
    return path


def test_it_has_no_faults(ask: Ask, future: Path) -> None:
    assert ask("matrix", "verify", future).status == 0


@pytest.mark.parametrize(
    ("argv", "torch", "build"),
    [
        (["--gpu", "A100", "--driver", "700.10.01"], "2.99.0", "cu140"),
        (["--gpu", "A100", "--gpu", "B200", "--driver", "700.10.01"], "2.99.0", "cu140"),
        (["--no-gpu"], "2.99.0+cpu", "cpu"),
    ],
    ids=["the floor", "two GPUs", "no GPU"],
)
def test_lock(ask: Ask, server: list[str], future: Path, argv: list[str], torch: str, build: str) -> None:
    answer = ask("lock", "--core", "--json", *server, *argv, "--matrix", future, "--prefer", "newest")
    assert answer.status == 0, answer.err
    assert (answer.json["stack"]["torch"], answer.json["build"]) == (torch, build)
    assert answer.json["stack"]["torchvision"].startswith("0.99.0")


@pytest.mark.parametrize(
    ("gpu", "driver", "code"),
    [("A100", "700.10.00", "driver-too-old"), ("Tesla V100", "700.10.01", "arch-missing")],
)
def test_lock_beyond_the_border(ask: Ask, server: list[str], future: Path, gpu: str, driver: str, code: str) -> None:
    answer = ask("lock", "--core", "--json", *server, "--gpu", gpu, "--driver", driver, "--matrix", future)
    assert answer.status == 0
    assert "2.99" not in answer.json["stack"]["torch"]
    (first, *_) = answer.json["rejected"]
    assert first["stack"]["torch"] == "2.99.0"
    assert first["build"] == "cu140"
    assert first["findings"][0]["code"] == code


def test_explain_says_which_driver_unlocks_it(ask: Ask, server: list[str], future: Path) -> None:
    argv = ("explain", *server, "--gpu", "A100", "--driver", "580.65.06", "--matrix", future)
    steps = ask(*argv, "--json").json["unlocked"]
    assert steps[-1]["driver"] == "700.10.01"
    assert steps[-1]["stack"]["torch"] == "2.99.0"
    assert "driver 700.10.01 would unlock torch 2.99.0 (cu140)" in ask(*argv).out


def test_show(ask: Ask, future: Path) -> None:
    assert "cu140" in ask("matrix", "show", "torch", "2.99", "--matrix", future).out
    assert "made with 700.10.01" in ask("matrix", "show", "cuda", "14.0", "--matrix", future).out
    assert "2.99.0: cu140" in ask("matrix", "show", "gpu", "A100", "--matrix", future).out


def test_check(ask: Ask, server: list[str], future: Path, tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("torch==2.99.0\ntorchvision==0.99.0\n")
    argv = ("check", path, *server, "--gpu", "A100", "--json")
    assert ask(*argv, "--driver", "700.10.01", "--matrix", future).json["verdict"] == "compatible"
    assert ask(*argv, "--driver", "700.10.00", "--matrix", future).json["verdict"] == "incompatible"
    assert ask(*argv, "--driver", "700.10.01").json["verdict"] == "unknown"
