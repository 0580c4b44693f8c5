"""What the lines of one file say against each other, and the ranges that leave nothing: both sides of each border."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import host

from compatmatrix.manifests.read import read_manifest
from compatmatrix.matrix import Matrix
from compatmatrix.resolve.manifest import judge_manifest

_CU118 = "https://download.pytorch.org/whl/cu118"


def told(tmp_path: Path, matrix: Matrix, text: str, name: str = "requirements.txt", **given: object) -> list[str]:
    path = tmp_path / name
    path.write_text(text)
    at = host(**given)  # type: ignore[arg-type]
    found = [finding for part in judge_manifest(read_manifest(path), at, matrix) for finding in part.findings]
    return [f"{finding.where.line if finding.where else 0}: {finding.severity} {finding.code}" for finding in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("torch==2.1.0\ntorch==2.2.0\n", ["2: error other"]),
        ("torch==2.1.0\ntorch>=2.2\n", ["2: error other"]),
        ("torch==2.1.0\ntorch==2.1.0\n", []),
        ("torch==2.1.0\ntorch>=2\n", []),
        ("torch==2.1.0 ; sys_platform == 'win32'\ntorch==2.2.0 ; sys_platform == 'linux'\n", []),
        ("torch==2.8.0\ntorchvision==0.23.0+cpu\n", ["1: warning torchvision-mismatch"]),
        ("torch==2.8.0+cpu\ntorchvision==0.23.0\n", ["2: warning torchvision-mismatch"]),
        ("--extra-index-url https://download.pytorch.org/whl/cpu\ntorch==2.8.0\ntorchvision==0.23.0+cpu\n", []),
        ("torch==2.8.0+cu126\ntorchvision==0.23.0\n", []),
        ("torch==2.4.0\nnvidia-cublas-cu11==11.10.3.66\n", ["2: warning cuda-libs-conflict"]),
        ("torch==2.4.0\nnvidia-cudnn-cu11==8.9.6.50\n", ["2: error cuda-libs-conflict"]),
        ("torch==2.4.0\nnvidia-cudnn-cu12==9.1.0.70\n", []),
    ],
)
def test_lines(tmp_path: Path, matrix: Matrix, text: str, expected: list[str]) -> None:
    assert told(tmp_path, matrix, text, python="3.10", driver=None) == expected


@pytest.mark.parametrize(("python", "expected"), [("3.10", []), ("3.11", ["1: error python-unsupported"])])
def test_a_wheel_of_another_python(tmp_path: Path, matrix: Matrix, python: str, expected: list[str]) -> None:
    text = f"torch @ {_CU118}/torch-2.1.0%2Bcu118-cp310-cp310-linux_x86_64.whl\n"
    assert told(tmp_path, matrix, text, python=python, driver=None) == expected


@pytest.mark.parametrize("python", ["3.9", "3.10", "3.12"])
def test_the_example_is_one_that_this_python_has(tmp_path: Path, matrix: Matrix, python: str) -> None:
    found = told(tmp_path, matrix, "fastai==2.7.12\ntorch>=2.1\n", python=python, driver=None)
    assert found == ["2: error fastai-mismatch"]


@pytest.mark.parametrize(("python", "expected"), [("3.12", ["2: error python-unsupported"]), ("3.11", [])])
def test_conda_and_a_python(tmp_path: Path, matrix: Matrix, python: str, expected: list[str]) -> None:
    text = f"dependencies:\n- pytorch==1.13.1\n- python={python}\n"
    found = told(tmp_path, matrix, text, "environment.yml", python=None, driver=None)
    assert found == expected


@pytest.mark.parametrize(("text", "expected"), [("torch", ["1: error python-unsupported"]), ("numpy", [])])
def test_a_bare_name_is_any_version(tmp_path: Path, matrix: Matrix, text: str, expected: list[str]) -> None:
    assert told(tmp_path, matrix, f"{text}\n", python="3.5", driver=None) == expected
    assert told(tmp_path, matrix, f"{text}\n", driver=None) == []


def test_cpuonly_beside_a_gpu(tmp_path: Path, matrix: Matrix) -> None:
    path = tmp_path / "environment.yml"
    path.write_text("dependencies:\n- pytorch=2.5.1\n- cpuonly\n")
    for at, expected in ((host("8.9"), ["cpu-build-on-gpu"]), (host(), [])):
        judged = judge_manifest(read_manifest(path), at, matrix)
        assert [finding.code for part in judged for finding in part.findings] == expected
