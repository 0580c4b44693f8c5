"""What conda is told: the channel's own builds, what holds the other kind first, the channels in their order."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Ask
from .test_fix import HOST
from .test_fix_conda import conda as conda

A100 = (*HOST, "--gpu", "A100", "--driver", "535.104.05")


def test_from_the_cpu_to_cuda(ask: Ask, conda: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    root = conda(
        "pytorch-2.5.1-py3.10_cpu_0",
        "cpuonly-2.0-0",
        "torchvision-0.20.1-py310_cpu",
        channel="pytorch",
        torch="2.5.1",
        torchvision="0.20.1",
    )
    made = ask("fix", "--python", root, *A100, "--json", "--offline").json["commands"]
    install = "--channel pytorch --channel nvidia pytorch=2.5.1=*cuda12.4* torchvision=0.20.1=*cu124*"
    assert made == [
        ["conda", "remove", "--force", "--yes", "--prefix", str(root), "cpuonly"],
        ["conda", "install", "--yes", "--prefix", str(root), *install.split()],
    ]


def test_the_cuda_of_a_mirrors_conda_forge(
    ask: Ask, conda: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    root = conda("pytorch-2.13.0-cuda130_mkl_py310_h1_300", "cuda-version-13.0-h1_3", torch="2.13.0")
    for record in (root / "conda-meta").glob("*.json"):
        record.write_text(json.dumps({"channel": "https://mirror.example/cloud/conda-forge/linux-64"}))
    (command,) = ask("fix", "--python", root, *A100, "--json", "--offline").json["commands"]
    mirror = "https://mirror.example/cloud/conda-forge"
    assert command[5:] == ["--channel", mirror, "pytorch=2.13.0=cuda129*", "cuda-version=12.9"]


def test_torchs_channel_comes_first(ask: Ask, conda: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """conda-forge has that pytorch, too: named first, it would take its place when only NumPy has to change."""
    monkeypatch.setenv("PATH", "/nowhere")
    root = conda(
        "pytorch-1.13.1-py3.10_cuda11.7_cudnn8.5.0_0", "numpy-2.2.6-py310h1", channel="pytorch", torch="1.13.1"
    )
    record = root / "conda-meta/numpy-2.2.6-py310h1.json"
    record.write_text(json.dumps({"channel": "https://conda.anaconda.org/conda-forge/linux-64"}))
    (command,) = ask("fix", "--python", root, *HOST, "--no-gpu", "--json", "--offline").json["commands"]
    assert command[5:] == ["--channel", "pytorch", "--channel", "conda-forge", "numpy<2"]


def test_mkl_is_judged_beside_the_channel_pytorchs_torch_only(ask: Ask, conda: Callable[..., Path]) -> None:
    torch = "pytorch-2.1.2-py3.10_cpu_0"
    broken = conda(torch, "pytorch-mutex-1.0-cpu", "mkl-2024.1.0-h1_1", torch="2.1.2")
    answer = ask("check", "--python", broken, *HOST, "--no-gpu")
    assert "error[conda-mixed]: mkl 2024.1.0 does not work with torch" in answer.out
    for records in (
        (torch, "pytorch-mutex-1.0-cpu", "mkl-2024.0.0-h1_1"),
        ("pytorch-2.1.2-cpu_mkl_py310h1_100", "mkl-2024.1.0-h1_1"),
        ("pytorch-2.4.1-py3.10_cpu_0", "pytorch-mutex-1.0-cpu", "mkl-2024.1.0-h1_1"),
    ):
        whole = conda(*records, torch=records[0].split("-")[1])
        assert "error[" not in ask("check", "--python", whole, *HOST, "--no-gpu").out
