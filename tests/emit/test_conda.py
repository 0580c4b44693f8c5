from __future__ import annotations

import yaml
from packaging.requirements import Requirement

from compatmatrix.emit.conda import render
from compatmatrix.emit.constraints import render as render_constraints
from compatmatrix.model.lock import Lock


def test_yaml_reads_back(cuda_lock: Lock) -> None:
    data = yaml.safe_load(render(cuda_lock))
    assert data["name"] == "compatmatrix"
    assert data["channels"] == ["conda-forge", "nodefaults"]
    python, pip, section = data["dependencies"]
    assert (python, pip) == ("python=3.12", "pip")
    index, *pins = section["pip"]
    assert index == "--extra-index-url https://index.example/whl/cu126"
    assert [Requirement(pin).name for pin in pins] == [package.name for package in cuda_lock.packages]
    assert str(Requirement(pins[0]).marker) == cuda_lock.packages[0].marker


def test_without_pytorch_index(cpu_lock: Lock) -> None:
    data = yaml.safe_load(render(cpu_lock))
    assert data["dependencies"] == ["python=3.8", "pip", {"pip": ["torch==9.9.9"]}]


def test_constraints_are_pins_only(cuda_lock: Lock) -> None:
    lines = [line for line in render_constraints(cuda_lock).splitlines() if line and not line.startswith("#")]
    assert [Requirement(line).name for line in lines] == [package.name for package in cuda_lock.packages]
