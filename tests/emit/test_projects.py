"""The formats for uv and pixi: a project file that says what the lock says."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest
from packaging.requirements import Requirement

from compatmatrix.emit.pixi import render as render_pixi
from compatmatrix.emit.uv import render
from compatmatrix.model.fact import Fact
from compatmatrix.model.lock import Lock

from .conftest import INDEX, cpu_lock, package, plain_lock

HERE = "sys_platform == 'linux' and platform_machine == 'x86_64'"


def test_uv_binds_the_torch_family_and_nothing_else(cuda_lock: Lock) -> None:
    data = tomllib.loads(render(cuda_lock))
    assert data["project"]["dependencies"] == list(cuda_lock.decision.requirements)
    assert data["project"]["requires-python"] == "==3.12.*"
    uv = data["tool"]["uv"]
    assert uv["index"] == [{"name": "pytorch-cu126", "url": INDEX, "explicit": True}]
    row = [{"index": "pytorch-cu126", "marker": HERE}]
    assert uv["sources"] == {"torch": row, "torchvision": row}
    assert uv["environments"] == [HERE]
    assert [Requirement(text).name for text in uv["constraint-dependencies"]] == ["colorama", "numpy"]


def test_uv_what_the_index_must_serve_is_a_direct_dependency(cuda_lock: Lock) -> None:
    pulled = package("torchaudio", "9.9.9+cu126", 8, index=INDEX)
    data = tomllib.loads(render(Lock(cuda_lock.decision, (*cuda_lock.packages, pulled))))
    assert "torchaudio==9.9.9+cu126" in data["project"]["dependencies"]
    assert "torchaudio" in data["tool"]["uv"]["sources"]


def test_uv_over_platforms_each_build_has_its_marker(cuda_lock: Lock) -> None:
    decision = replace(cuda_lock.decision, elsewhere=("macos-arm64",))
    torch = package("torch", "9.9.9+cu126", 6, index=INDEX, marker=HERE)
    data = tomllib.loads(
        render(Lock(decision, (torch, package("torch", "9.9.9", 8, marker="sys_platform == 'darwin'"))))
    )
    assert data["tool"]["uv"]["sources"] == {"torch": [{"index": "pytorch-cu126", "marker": HERE}]}
    assert len(data["tool"]["uv"]["environments"]) == 2


def test_uv_without_an_index_there_is_no_table() -> None:
    assert tomllib.loads(render(cpu_lock()))["tool"]["uv"].keys() == {"environments", "constraint-dependencies"}


def test_pixi_asks_the_index_for_its_packages_only(cuda_lock: Lock) -> None:
    data = tomllib.loads(render_pixi(cuda_lock))
    assert data["workspace"]["platforms"] == ["linux-64"]
    assert data["system-requirements"] == {"cuda": "12", "libc": {"family": "glibc", "version": "2.36"}}
    assert data["dependencies"] == {"python": "3.12.*"}
    found = data["pypi-dependencies"]
    assert found["numpy"] == "==1.26.4"
    assert found["torch"] == {"version": "==9.9.9+cu126", "index": INDEX}
    # It is for Windows, and there is no place for a marker.
    assert "colorama" not in found


def test_pixi_specs_are_read_by_condas_own_rules(named_lock: tuple[str, Lock]) -> None:
    """By the library that pixi is built on."""
    rattler = pytest.importorskip("rattler")
    data = tomllib.loads(render_pixi(named_lock[1]))
    for spec in data["dependencies"].values():
        assert str(rattler.NamelessMatchSpec(spec)) == spec


def test_pixi_asks_for_cuda_only_where_there_is_a_gpu(cuda_lock: Lock) -> None:
    host = replace(cuda_lock.decision.host, gpus=Fact.of((), "given"))
    data = tomllib.loads(render_pixi(Lock(replace(cuda_lock.decision, host=host), cuda_lock.packages)))
    assert "cuda" not in data["system-requirements"]
    assert tomllib.loads(render_pixi(plain_lock()))["dependencies"]["python-freethreading"] == "*"
