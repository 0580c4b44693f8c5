from __future__ import annotations

import pytest
from cases import LINUX, case, host, pin

from compatmatrix.matrix import Matrix
from compatmatrix.rules.case import find_build


@pytest.mark.parametrize(
    ("text", "build", "index"),
    [
        ("torch==2.8.0", "cu128", "pypi"),
        ("torch==2.8.0@cu128", "cu128", "pypi"),
        ("torch==2.8.0+cu128", "cu128", "pytorch"),
        ("torch==2.8.0+cu126", "cu126", "pytorch"),
        ("torch==2.8.0@cu126", "cu126", "pytorch"),
        ("torch==2.8.0+cpu", "cpu", "pytorch"),
    ],
)
def test_the_build_behind_a_pin(matrix: Matrix, text: str, build: str, index: str) -> None:
    found = find_build(pin(text), LINUX, matrix)
    assert found is not None
    assert (found.build, found.index) == (build, index)


@pytest.mark.parametrize("text", ["torch==9.9.0", "torch==2.8.0+cu118", "torch==2.8.0+gitabc", "torch==2.8.0@rocm6.2"])
def test_no_build_behind_a_pin(matrix: Matrix, text: str) -> None:
    assert find_build(pin(text), LINUX, matrix) is None


def test_no_build_without_platform_or_torch(matrix: Matrix) -> None:
    assert case(matrix, host(platform=None), "torch==2.8.0").build is None
    assert case(matrix, host(), "numpy==2.0.0").build is None
