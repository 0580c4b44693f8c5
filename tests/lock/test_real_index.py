"""Against the base index that this machine is set up for: run with `pytest -m network`."""

from __future__ import annotations

import time

import pytest

from compatmatrix.lock.closure import lock

from .conftest import make_decision, make_host

pytestmark = pytest.mark.network
OLD = ("fastai==2.7.12", "torch==1.13.1", "torchvision==0.14.1")


@pytest.mark.parametrize("python", ["3.7", "3.8", "3.10"])
def test_the_old_guides_pins_resolve_to_wheels_alone(python: str) -> None:
    said: list[str] = []
    started = time.monotonic()
    solved = lock(make_decision(pins=OLD, host=make_host(python=python)), progress=said.append)
    versions = {package.name: package.version for package in solved.packages}
    assert versions["numpy"].major == 1
    assert versions.keys() >= {"torch", "torchvision", "fastai", "pillow", "nvidia-cudnn-cu11"}
    assert not any("built from source" in line for line in said)
    assert time.monotonic() - started < 120


def test_no_wheel_for_this_python() -> None:
    from compatmatrix.errors import NoSolution

    with pytest.raises(NoSolution, match="no wheels with a matching Python ABI tag"):
        lock(make_decision(pins=("torch==1.13.1",), host=make_host(python="3.12")))
