from __future__ import annotations

import re

import pytest
import yaml
from packaging.requirements import Requirement

from compatmatrix.emit.conda import render
from compatmatrix.emit.constraints import render as render_constraints
from compatmatrix.model.lock import Lock


def test_yaml_reads_back(cuda_lock: Lock) -> None:
    data = yaml.safe_load(render(cuda_lock))
    assert data["name"] == "compatmatrix"
    assert data["channels"] == ["conda-forge", "nodefaults"]
    *specs, section = data["dependencies"]
    assert specs == ["__glibc>=2.36", "python=3.12", "cuda-version=12.6", "pip"]
    index, *pins = section["pip"]
    assert index == "--extra-index-url https://index.example/whl/cu126"
    assert [Requirement(pin).name for pin in pins] == [package.name for package in cuda_lock.packages]
    assert str(Requirement(pins[0]).marker) == cuda_lock.packages[0].marker


def test_without_pytorch_index(cpu_lock: Lock) -> None:
    data = yaml.safe_load(render(cpu_lock))
    assert data["dependencies"] == ["__osx", "python=3.8", "pip", {"pip": ["torch==9.9.9"]}]


def test_specs_are_read_by_condas_own_rules(named_lock: tuple[str, Lock]) -> None:
    rattler = pytest.importorskip("rattler")
    for spec in yaml.safe_load(render(named_lock[1]))["dependencies"]:
        if isinstance(spec, str):
            parsed = rattler.MatchSpec(spec)
            assert parsed.name.normalized == re.split("[=>]", spec)[0]


def test_constraints_are_pins_only(cuda_lock: Lock) -> None:
    lines = [line for line in render_constraints(cuda_lock).splitlines() if line and not line.startswith("#")]
    assert [Requirement(line).name for line in lines] == [package.name for package in cuda_lock.packages]
