from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from compatmatrix.emit.conda import render
from compatmatrix.emit.conda_forge import render as render_conda_forge
from compatmatrix.emit.constraints import render as render_constraints
from compatmatrix.manifests.read import read_manifest
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.lock import Lock


def test_yaml_reads_back(cuda_lock: Lock) -> None:
    data = yaml.safe_load(render(cuda_lock))
    assert data["name"] == "compatmatrix"
    assert data["channels"] == ["conda-forge"]
    *specs, section = data["dependencies"]
    assert specs == ["__glibc>=2.36", "python=3.12", "cuda-version=12.6", "pip"]
    index, *pins = section["pip"]
    assert index == "--extra-index-url https://index.example/whl/cu126"
    assert [Requirement(pin).name for pin in pins] == [package.name for package in cuda_lock.packages]
    assert str(Requirement(pins[0]).marker) == cuda_lock.packages[0].marker


def test_without_pytorch_index(cpu_lock: Lock) -> None:
    data = yaml.safe_load(render(cpu_lock))
    assert data["dependencies"] == ["__osx", "python=3.8", "pip", {"pip": ["torch==9.9.9"]}]


@pytest.mark.parametrize("write", [render, render_conda_forge])
def test_specs_are_read_by_condas_own_rules(named_lock: tuple[str, Lock], write: Callable[[Lock], str]) -> None:
    rattler = pytest.importorskip("rattler")
    for spec in yaml.safe_load(write(named_lock[1]))["dependencies"]:
        if isinstance(spec, str):
            parsed = rattler.MatchSpec(spec)
            assert parsed.name.normalized == re.split("[=<>]", spec)[0]


def test_conda_forges_builds_by_their_names(cuda_lock: Lock, cpu_lock: Lock) -> None:
    specs = yaml.safe_load(render_conda_forge(cuda_lock))["dependencies"]
    assert specs[1:3] == ["__cuda>=12", "cuda-version=12"]
    assert specs[3:] == ["python=3.12", "pytorch-gpu=9.9", "torchvision=0.99", "fastai=2.99", "numpy<2"]
    assert yaml.safe_load(render_conda_forge(cpu_lock))["dependencies"] == ["__osx", "python=3.8", "pytorch-cpu=9.9"]


def test_conda_forges_builds_are_read_back(cuda_lock: Lock, tmp_path: Path) -> None:
    """`check` knows what the file asks of the driver."""
    file = tmp_path / "environment.yml"
    file.write_text(render_conda_forge(cuda_lock))
    (section,) = read_manifest(file).sections
    assert section.cuda == Cuda(12, 0)
    assert {entry.name: entry.specifier for entry in section.entries if entry.name in ("torch", "fastai")} == {
        "torch": "==9.9.*",
        "fastai": "==2.99.*",
    }


def test_constraints_are_pins_only(cuda_lock: Lock) -> None:
    lines = [line for line in render_constraints(cuda_lock).splitlines() if line and not line.startswith("#")]
    assert [Requirement(line).name for line in lines] == [package.name for package in cuda_lock.packages]
