"""Both formats for conda, made into environments by the real conda: `conda env create -f`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from emit.conftest import cuda_lock
from packaging.version import Version
from serve_index import serve, wheel

from compatmatrix.emit.conda import render as render_conda
from compatmatrix.emit.conda_forge import render as render_conda_forge
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Python
from compatmatrix.model.lock import Lock, Package
from compatmatrix.model.stack import Pin, Stack

from .conftest import Answer, Conda
from .test_repairs import MINE, NEEDS_MINE

pytestmark = [pytest.mark.conda, NEEDS_MINE]
VERSIONS = {"torch": "2.7.1", "torchvision": "0.22.1", "fastai": "2.8.7", "python": f"{MINE}.1"}


def on(build: str, index: str, *, gpu: bool) -> Lock:
    """A lock of versions that the channels have, in a build, for a host with or without GPU."""
    lock = cuda_lock()
    local = f"+{build}"
    pins = [Pin(name, Version(version)) for name, version in VERSIONS.items()]
    packages = tuple(
        Package(name, Version(version + (local if name != "fastai" else "")), (), index=index)
        for name, version in VERSIONS.items()
        if name != "python"
    )
    host = replace(lock.decision.host, python=Fact.of(Python.parse(VERSIONS["python"]), "given"))
    host = host if gpu else replace(host, gpus=Fact.of((), "given"))
    decision = replace(lock.decision, build=build, stack=Stack(pins), host=host, index_url=index, constraints=())
    return Lock(decision, packages)


def create(conda: Conda, folder: Path, text: str) -> list[str]:
    """conda's records of the environment of a file."""
    (folder / "environment.yml").write_text(text)
    root = folder / "made"
    conda("env", "create", "--file", str(folder / "environment.yml"), "--prefix", str(root))
    return [path.stem for path in (root / "conda-meta").glob("*.json")]


@pytest.mark.parametrize(
    ("gpu", "build", "found"),
    [
        (True, "cu126", ("pytorch-gpu-2.7", "pytorch-2.7.1-cuda12", "torchvision-0.22.1-cuda12", "cuda-version-12")),
        (False, "cpu", ("pytorch-cpu-2.7", "pytorch-2.7.1-cpu", "torchvision-0.22.1-cpu")),
    ],
)
def test_condas_own_builds(
    conda: Conda,
    ask: Callable[..., Answer],
    tmp_path: Path,
    gpu: bool,
    build: str,
    found: tuple[str, ...],
) -> None:
    there = create(conda, tmp_path, render_conda_forge(on(build, "", gpu=gpu)))
    for begin in (*found, "fastai-2.8.", f"python-{MINE}."):
        assert any(entry.startswith(begin) for entry in there), (begin, there)
    host = ("--gpu", "Tesla V100", "--driver", "580.126.11") if gpu else ("--no-gpu",)
    status, out, _ = ask("check", "--python", tmp_path / "made", *host)
    assert status == 0, out


def test_the_wheels(
    conda: Conda,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """conda makes Python, and its pip takes the wheels from the indexes that the file names."""
    with serve() as index:
        index.add("simple", wheel("fastai", "2.8.7"))
        index.add("whl/cu126", wheel("torch", "2.7.1+cu126"), wheel("torchvision", "0.22.1+cu126"))
        monkeypatch.setenv("PIP_INDEX_URL", index.url("simple"))
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        there = create(conda, tmp_path, render_conda(on("cu126", index.url("whl/cu126"), gpu=True)))
    assert not any(entry.startswith(("pytorch", "torchvision")) for entry in there)
    assert any(entry.startswith("cuda-version-12.6") for entry in there)
    site = tmp_path / f"made/lib/python{MINE}/site-packages"
    names = {path.name for path in site.glob("*.dist-info")}
    assert {"torch-2.7.1+cu126.dist-info", "torchvision-0.22.1+cu126.dist-info", "fastai-2.8.7.dist-info"} <= names
