"""`fix` where the wheels that lie around torch are the trouble."""

from __future__ import annotations

import pytest

from .conftest import Ask, MakeVenv
from .test_fix import HOST, NO_GPU, shown


@pytest.mark.parametrize(
    ("installer", "words"), [("uv", "--reinstall-package numpy"), ("pip", "--only-binary torch --force-reinstall")]
)
def test_what_is_compiled_for_another_python_is_installed_anew(
    ask: Ask, venv: MakeVenv, installer: str, words: str
) -> None:
    """site-packages of Python 3.10 under 3.11: numpy stays below what torch was compiled for."""
    pins = ("torch==2.2.2", "numpy==1.26.4", "tqdm==4.67.1", "nvidia-cudnn-cu12==8.9.2.26")
    root = venv(*pins, torch="2.2.2+cu121", python="3.11.7", installer=installer)
    site = root / "lib/python3.11/site-packages"
    for pin, tag in zip(pins, ("cp310-cp310-linux_x86_64", "cp310-cp310-linux_x86_64", "py3-none-any"), strict=False):
        name, _, version = pin.partition("==")
        (site / f"{name}-{version}.dist-info/WHEEL").write_text(f"Tag: {tag}\n")
    answer = ask("fix", "--python", root, *NO_GPU)
    assert "error[python-unsupported]: torch 2.2.2 was installed for cp310, this is Python 3.11.7" in answer.out
    (command,) = shown(answer.out)
    assert words in command
    assert command.endswith("'numpy<2' torch==2.2.2")
    assert "tqdm" not in command


def test_libraries_of_the_cuda_that_torch_leaves_go(ask: Ask, venv: MakeVenv) -> None:
    """But for those that another package requires."""
    pins = (
        "torch==2.13.0+cu126",
        "nvidia-cudnn-cu12==9.10.2.21",
        "nvidia-nccl-cu12==2.29.7",
        "jax-cuda12-plugin==0.9.0",
    )
    root = venv(*pins, torch="2.13.0+cu126", installer="uv")
    with (root / "lib/python3.10/site-packages/jax_cuda12_plugin-0.9.0.dist-info/METADATA").open("a") as metadata:
        metadata.write("Requires-Dist: nvidia-nccl-cu12>=2.18\n")
    where = (*HOST, "--gpu", "B200", "--driver", "580.65.06")
    out = ask("fix", "--python", root, *where, "--offline").out
    assert "uv pip uninstall --python" in out
    assert "nvidia-cudnn-cu12" in out
    assert "nvidia-nccl-cu12" not in out.partition("repair:")[2]


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_torchs_own_cudnn_comes_back(ask: Ask, venv: MakeVenv, installer: str) -> None:
    """cuDNN 9.11 has no kernels for Volta; torch 2.9.1 for CUDA 12.6 keeps the last one that has."""
    root = venv("torch==2.9.1+cu126", "nvidia-cudnn-cu12==9.13.0.50", torch="2.9.1+cu126", installer=installer)
    where = (*HOST, "--gpu", "Tesla V100", "--driver", "570.124.06")
    assert (
        "error[arch-missing]: cuDNN 9.13.0.50 is installed over torch's own"
        in ask("check", "--python", root, *where).out
    )
    (command,) = shown(ask("fix", "--python", root, *where, "--offline").out)
    assert command.endswith("nvidia-cudnn-cu12==9.10.2.21")
    assert ask("check", "--python", root, *HOST, "--gpu", "T4", "--driver", "570.124.06").status == 0
