"""The two steps that `fix` and `check` print for uv: the build from its index alone, then the rest from PyPI."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import uv
from serve_index import Index

from .test_install import EXPECTED, call, installed, target

__all__ = ["target"]

BUILDS = ("torch==9.9.9+cu126", "torchvision==0.99.9+cu126")


@pytest.mark.skipif(sys.platform == "win32", reason="one platform tells")
def test_a_build_needs_no_unsafe_strategy(world: Index, target: Path, tmp_path: Path) -> None:
    install = (uv.find_uv_bin(), "pip", "install", "-q", "--no-config", "--python", target)
    call(*install, "--no-deps", "--default-index", world.url("whl/cu126"), *BUILDS)
    assert installed(target).keys() >= {"torch", "torchvision"}
    call(*install, "--default-index", world.url("simple"), *BUILDS, "fastai", "numpy<2")
    assert installed(target).items() >= EXPECTED.items()
