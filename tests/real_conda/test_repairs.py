"""Environments that the real conda made and that are broken in conda's ways, repaired by `fix --apply` with that conda.

COMPATMATRIX_CONDA=/path/to/conda pytest -m conda tests/real_conda; CONDA_SOLVER chooses among conda's solvers. What is
looked at afterwards is what conda itself recorded in conda-meta.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from .conftest import Answer, Conda
from .packages import PYTHONS

pytestmark = pytest.mark.conda
MINE = f"{sys.version_info[0]}.{sys.version_info[1]}"
NEEDS_MINE = pytest.mark.skipif(
    MINE not in PYTHONS or MINE == "3.13", reason=f"the channels have no torch for Python {MINE}, which runs the tests"
)
A100 = ("--gpu", "A100", "--driver", "535.104.05")
V100 = ("--gpu", "Tesla V100", "--driver", "470.57.02")
NO_GPU = ("--no-gpu",)


class Broken(NamedTuple):
    """An environment, and what comes of its repair.

    cuda: the driver's CUDA, for conda. then: a package file that is put in by its address, which asks no solver. after:
    beginnings of the names of conda's records afterwards; gone: those that are no more there.
    """

    channels: str
    specs: tuple[str, ...]
    host: tuple[str, ...]
    code: str
    after: tuple[str, ...]
    gone: tuple[str, ...] = ()
    cuda: str = "12.2"
    then: str = ""


PYTORCH = "pytorch nvidia"
FORGE = "conda-forge/linux-64"
CASES = {
    "cpuonly on a machine with a GPU": Broken(
        "fastai pytorch",
        ("python=3.11", "fastai", "cpuonly"),
        A100,
        "cpu-build-on-gpu",
        ("pytorch-2.5.1-py3.11_cuda12", "torchvision-0.20.1-py311_cu12", "pytorch-mutex-1.0-cuda", "fastai-2.8"),
        ("cpuonly",),
    ),
    "the CPU's pytorch-mutex": Broken(
        "pytorch",
        ("python=3.11", "pytorch=2.4.1=*cpu*", "torchvision"),
        A100,
        "cpu-build-on-gpu",
        ("pytorch-2.4.1-py3.11_cuda12", "torchvision-0.19.1-py311_cu12", "pytorch-mutex-1.0-cuda"),
        ("pytorch-mutex-1.0-cpu",),
    ),
    "pytorch-cpu of conda-forge": Broken(
        "conda-forge",
        ("--override-channels", "python=3.11", "pytorch-cpu=2.7", "torchvision", "fastai"),
        A100,
        "cpu-build-on-gpu",
        ("pytorch-2.7.1-cuda12", "torchvision-0.22.1-cuda12", "cuda-version-12", "fastai-2.8"),
        ("pytorch-cpu",),
    ),
    "a CUDA that the driver is too old for": Broken(
        PYTORCH,
        ("python=3.11", "pytorch=2.4.1", "torchvision", "torchaudio", "pytorch-cuda=12.4"),
        V100,
        "driver-too-old",
        ("pytorch-2.4.1-py3.11_cuda11.8", "torchvision-0.19.1-py311_cu118", "torchaudio-2.4.1-py311_cu118"),
        ("pytorch-cuda-12.4",),
        "11.4",
    ),
    "a CUDA of conda-forge that the driver is too old for": Broken(
        "conda-forge",
        ("--override-channels", "python=3.11", "pytorch-gpu=2.13", "torchvision", "cuda-version=13.0"),
        A100,
        "driver-too-old",
        ("pytorch-2.13.0-cuda129", "torchvision-0.28.0-cuda12", "cuda-version-12.9"),
        ("cuda-version-13",),
    ),
    "NumPy 2 under a torch for NumPy 1": Broken(
        PYTORCH,
        ("python=3.11", "pytorch=2.1.2", "torchvision", "pytorch-cuda=12.1", "numpy=2"),
        NO_GPU,
        "numpy-abi",
        ("numpy-1.26.4", "pytorch-2.1.2-py3.11_cuda12.1", "torchvision-0.16.2-py311_cu121"),
        ("numpy-2",),
    ),
    "NumPy 2 of conda-forge beside the channel pytorch": Broken(
        f"{PYTORCH} conda-forge",
        ("python=3.11", "pytorch=2.0.1", "torchvision", "pytorch-cuda=11.8"),
        NO_GPU,
        "numpy-abi",
        ("numpy-1.26.4", "pytorch-2.0.1-py3.11_cuda11.8", "torchvision-0.15.2-py311_cu118"),
        ("numpy-2",),
        then=f"{FORGE}/numpy-2.2.6-py311h1_0.tar.bz2",
    ),
    "MKL 2024.1": Broken(
        PYTORCH,
        (
            "python=3.11",
            "pytorch=2.1.2",
            "pytorch-cuda=12.1",
            "numpy=1.26",
        ),
        A100,
        "conda-mixed",
        ("mkl-2024.0", "pytorch-2.1.2-py3.11_cuda12.1"),
        ("mkl-2024.1",),
        then=f"{FORGE}/mkl-2024.1.0-h1_1.tar.bz2",
    ),
    "fastcore too new": Broken(
        "fastai pytorch",
        ("python=3.11", "fastai=2.7.12", "pytorch=2.0.1", "numpy=1.26", "cpuonly"),
        NO_GPU,
        "fastai-mismatch",
        ("fastcore-1.5.", "fastai-2.7.12", "pytorch-2.0.1-py3.11_cpu"),
        ("fastcore-1.8",),
        then="fastai/noarch/fastcore-1.8.10-py_0.tar.bz2",
    ),
    "torchvision of the other channel": Broken(
        PYTORCH,
        ("python=3.11", "pytorch=2.4.1", "torchvision", "pytorch-cuda=12.1", "numpy=1.26"),
        A100,
        "torchvision-mismatch",
        ("torchvision-0.19.1-py311_cu121", "pytorch-2.4.1-py3.11_cuda12.1"),
        ("torchvision-0.18",),
        then=f"{FORGE}/torchvision-0.18.1-cuda120_py311_h1_1.tar.bz2",
    ),
}


def repaired(conda: Conda, ask: Callable[..., Answer], root: Path, case: Broken, *more: str) -> list[str]:
    """Check, repair, check again; conda's records afterwards."""
    status, out, _ = ask("check", "--python", root, *case.host)
    assert (status, f"error[{case.code}]" in out) == (1, True), out
    status, out, err = ask("fix", "--python", root, *case.host, "--apply", "--offline", *more)
    print(out, err)
    assert (status, out.splitlines()[-1]) == (0, "compatible"), f"{out}\n{err}"
    return [path.stem for path in (root / "conda-meta").glob("*.json")]


@pytest.mark.parametrize("name", CASES)
def test_repair(conda: Conda, ask: Callable[..., Answer], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    root = conda.create(f"env-{list(CASES).index(name)}", case.channels, *case.specs)
    if case.then:
        conda("install", "--yes", "--prefix", str(root), (conda.home / "channels" / case.then).as_uri())
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", case.cuda)
    there = repaired(conda, ask, root, case)
    for begin in case.after:
        assert any(entry.startswith(begin) for entry in there), (begin, there)
    assert not [entry for entry in there if entry.startswith(case.gone or "\0")]


def wheel(folder: Path, name: str, version: str, cuda: str | None) -> Path:
    path, info = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": "",
        f"{name}/version.py": f"__version__ = '{version}'\ncuda = {cuda!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD")))
    return path


@pytest.mark.parametrize(
    ("name", "version", "cuda"), [("torch", "2.7.1+cu128", "12.8"), ("torchvision", "0.19.1+cpu", None)]
)
@NEEDS_MINE
def test_pips_copy_over_condas(
    conda: Conda, ask: Callable[..., Answer], tmp_path: Path, name: str, version: str, cuda: str | None
) -> None:
    """pip's copy goes, and conda puts its own files back: its records never said that they had gone."""
    specs = (f"python={MINE}", "pip", "pytorch=2.4.1", "torchvision", "pytorch-cuda=12.1", "numpy=1.26")
    root = conda.create(f"pip-{name}", PYTORCH, *specs)
    site = root / f"lib/python{MINE}/site-packages"
    before = (site / name / "version.py").read_text()
    words = ("-m", "pip", "install", "--no-deps", "--no-index", str(wheel(tmp_path, name, version, cuda)))
    Conda(root / "bin/python", conda.home)(*words)
    assert version in (site / name / "version.py").read_text()
    # Without the PyTorch index, torch has to go back to the torchvision that is there.
    policy = ("--index", "pypi") if name == "torch" else ()
    repaired(conda, ask, root, Broken(PYTORCH, specs, A100, "torchvision-mismatch", ()), *policy)
    assert (site / name / "version.py").read_text() == before
    assert (site / f"{name}-{'2.4.1' if name == 'torch' else '0.19.1'}-py{MINE}.egg-info/PKG-INFO").is_file()
