from __future__ import annotations

from dataclasses import replace

import pytest
from cases import host

from compatmatrix.matrix import Matrix
from compatmatrix.model.decision import Decision
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Host
from compatmatrix.resolve.conflict import conflict
from compatmatrix.resolve.decide import decide
from compatmatrix.resolve.question import IndexPolicy, Question, parse_requirements


def causes(matrix: Matrix, where: Host, *requirements: str, **more: object) -> list[tuple[str, str]]:
    question = Question(where, parse_requirements(requirements), **more)  # type: ignore[arg-type]
    return [(cause.kind, cause.value) for cause in conflict(question, matrix)]


@pytest.mark.parametrize("where", [host(), host("8.0"), host("7.0", driver="535.104.05")])
def test_no_conflict(matrix: Matrix, where: Host) -> None:
    assert causes(matrix, where, "fastai>=2") == []


@pytest.mark.parametrize(
    ("where", "requirements", "kinds"),
    [
        pytest.param(
            host("12.0"), ("torch<2.7", "fastai<3", "timm"), ["requirement", "gpu"], id="a pin and a young GPU"
        ),
        pytest.param(host("12.0", driver="550.54.14"), (), ["gpu", "driver"], id="GPU and driver"),
        pytest.param(host(python="3.13"), ("torch==1.13.1", "numpy"), ["requirement", "python"], id="a pin and Python"),
        pytest.param(host("7.0", "12.0"), ("torch==2.13.0",), ["requirement", "gpu", "gpu"], id="two GPUs and a pin"),
        pytest.param(host(libc="glibc 2.17"), ("torch>=2.13",), ["requirement", "libc"], id="a pin and the C library"),
    ],
)
def test_the_minimal_set(matrix: Matrix, where: Host, requirements: tuple[str, ...], kinds: list[str]) -> None:
    found = causes(matrix, where, *requirements)
    assert [kind for kind, _ in found] == kinds
    assert ("requirement", "timm") not in found
    assert ("requirement", "numpy") not in found


def test_each_of_them_is_needed(matrix: Matrix) -> None:
    """With the GPU or the pin given up, the same question has an answer."""
    where, asked = host("12.0"), parse_requirements(["torch<2.7", "fastai<3"])
    assert conflict(Question(where, asked), matrix)
    assert isinstance(decide(Question(where, asked[1:]), matrix), Decision)
    assert isinstance(decide(Question(replace(where, gpus=Fact.of((), "given")), asked), matrix), Decision)


def test_the_index_can_be_to_blame(matrix: Matrix) -> None:
    found = causes(matrix, host("7.0"), "torch==2.13.0", index=IndexPolicy.PYPI)
    assert ("index", "pypi") in found


def test_nobody_is_to_blame_for_a_platform_without_wheels(matrix: Matrix) -> None:
    assert causes(matrix, host(platform="linux-riscv64")) == []


def test_another_host_can_be_to_blame(matrix: Matrix) -> None:
    found = causes(matrix, host("8.0"), "torch<2.7", others=(host("12.0"),))
    assert [kind for kind, _ in found] == ["requirement", "host"]
    assert "12.0" in found[1][1]
