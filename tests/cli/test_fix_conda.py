"""`check` and `fix` where conda made the environment."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Ask, MakeVenv
from .test_fix import HOST, NO_GPU, shown


@pytest.fixture
def conda(venv: MakeVenv) -> Callable[..., Path]:
    """An environment that conda made: conda("pytorch-1.13.1-py3.10_cuda11.7_cudnn8.5.0_0", ..., channel="pytorch")."""

    def make(*records: str, channel: str = "", **more: str) -> Path:
        pins = [
            f"{name.replace('pytorch', 'torch')}=={version}" for name, version, _ in (r.rsplit("-", 2) for r in records)
        ]
        root = venv(*pins, **more)
        (root / "pyvenv.cfg").unlink()
        (root / "conda-meta").mkdir()
        text = json.dumps({"channel": f"https://conda.anaconda.org/{channel}/linux-64"} if channel else {})
        for record in ("python-3.10.14-h955ad1f_1", *records):
            (root / f"conda-meta/{record}.json").write_text(text)
        return root

    return make


OLD_CONDA = ("numpy-2.2.6-py310h1", "pytorch-1.13.1-py3.10_cuda11.7_cudnn8.5.0_0")


def test_conda_gets_conda_commands(ask: Ask, conda: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    root = conda(*OLD_CONDA, torch="1.13.1")
    (command,) = shown(ask("fix", "--python", root, *NO_GPU).out)
    assert command == f"conda install --yes --prefix '{root}' 'numpy<2'"
    named = conda(*OLD_CONDA, torch="1.13.1", channel="conda-forge")
    (command,) = shown(ask("fix", "--python", named, *NO_GPU).out)
    assert command == f"conda install --yes --prefix '{named}' --channel conda-forge 'numpy<2'"


def test_without_conda_nothing_is_done(ask: Ask, conda: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CONDA_EXE", raising=False)
    answer = ask("fix", "--python", conda(*OLD_CONDA, torch="1.13.1"), *NO_GPU, "--apply")
    assert answer.status == 3
    assert "neither conda, mamba nor micromamba is on PATH" in answer.err


def test_the_conda_that_is_there_is_run(
    ask: Ask, conda: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for the program: it notes its words, and does what they ask to the records."""
    root = conda(*OLD_CONDA, torch="1.13.1")
    program = tmp_path / "tools/micromamba"
    program.parent.mkdir()
    site = root / "lib/python3.10/site-packages"
    program.write_text(
        f"#!/bin/sh\necho \"$@\" > '{tmp_path}/words'\n"
        f"/bin/mv '{site}/numpy-2.2.6.dist-info' '{site}/numpy-1.26.4.dist-info'\n"
        f"/bin/mv '{root}/conda-meta/numpy-2.2.6-py310h1.json' '{root}/conda-meta/numpy-1.26.4-py310h1.json'\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    answer = ask("fix", "--python", root, *NO_GPU, "--apply")
    assert answer.status == 0, answer.err
    assert (tmp_path / "words").read_text().split() == ["install", "--yes", "--prefix", *str(root).split(), "numpy<2"]
    assert answer.out.splitlines()[-1] == "compatible"


def test_what_pip_put_over_condas_is_pips(ask: Ask, conda: Callable[..., Path]) -> None:
    """conda's record says torch 2.4.1, and pip's 2.7.1 is imported: a wheel without code for Pascal."""
    root = conda("pytorch-2.4.1-py3.10_cuda12.1_cudnn9.1.0_0", torch="2.7.1+cu128")
    answer = ask("fix", "--python", root, *HOST, "--gpu", "GTX 1080 Ti", "--driver", "570.124.06", "--offline")
    assert "error[arch-missing]" in answer.out
    (command,) = shown(answer.out)
    assert "-m pip install" in command


def test_a_family_from_two_sources(ask: Ask, conda: Callable[..., Path]) -> None:
    root = conda("pytorch-2.4.1-py3.10_cuda12.1_cudnn9.1.0_0", torch="2.4.1", torchvision="0.19.1+cu121")
    answer = ask("check", "--python", root, *NO_GPU)
    assert "warning[conda-mixed]: torch comes from conda and torchvision from pip" in answer.out
    whole = conda("pytorch-2.4.1-py3.10_cpu_0", "torchvision-0.19.1-py310_cpu", torch="2.4.1", torchvision="0.19.1")
    assert "conda-mixed" not in ask("check", "--python", whole, *NO_GPU).out


def test_packages_around_torch_are_condas_as_well(
    ask: Ask, conda: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    root = conda("fastai-2.7.12-pyhd8ed1ab_0", "fastcore-1.8.0-pyhd8ed1ab_0", channel="conda-forge")
    (command,) = shown(ask("fix", "--python", root, *NO_GPU).out)
    assert command.startswith(f"conda install --yes --prefix '{root}' --channel conda-forge 'fastcore")


def test_a_torch_of_conda_is_no_wheel(ask: Ask, conda: Callable[..., Path]) -> None:
    """conda compiles for other GPUs and Pythons than the wheels; CUDA's driver is the same."""
    root = conda("pytorch-2.7.1-cuda128_generic_py310_h1_200", torch="2.7.1", channel="conda-forge")
    where = (*HOST, "--gpu", "GTX 1080 Ti", "--driver", "570.124.06")
    assert ask("check", "--python", root, *where).status == 0
    assert ask("check", "--python", root, *HOST, "--gpu", "GTX 1080 Ti", "--driver", "470.57.02").status == 1
