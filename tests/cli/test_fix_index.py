"""`fix FILE… --apply` where a file names the PyTorch index of a build that does not serve the host: it moves along."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Ask

ADA = ("--gpu", "RTX 4090", "--driver", "550.54.14", "--python-version", "3.11", "--platform", "linux-x86_64")

EXTRA = """\
# a course's pins
--extra-index-url https://download.pytorch.org/whl/cpu   # not .../whl/cpu/torch
torch==2.6.0+cpu ; python_version >= "3.9"\t# why
torchvision==0.21.0+cpu
Pillow>=9
"""
ONLY = "--index-url https://download.pytorch.org/whl/cpu\ntorch==2.6.0\n"
DOCKERFILE = """\
FROM python:3.11-slim
# the build of /whl/cpu
RUN pip install --no-cache-dir \\
    --index-url https://download.pytorch.org/whl/cpu \\
    torch==2.6.0 torchvision==0.21.0
"""
DOCKER_ARG = """\
FROM python:3.11-slim
ARG BUILD=cpu
RUN pip install "torch==2.6.0" --index-url=https://download.pytorch.org/whl/${BUILD}
"""
DOCKER_UV = """\
FROM python:3.11-slim
RUN uv pip install --torch-backend=cpu torch==2.6.0
"""
UV = """\
[project]
name = "x"   # a name
requires-python = ">=3.11"
dependencies = [
    "torch==2.6.0",        # pinned
    'torchvision==0.21.0', "fastai>=2.7",
]

[tool.uv.sources]
torch = { index = "pytorch-cpu" }
torchvision = [{ index = 'pytorch-cpu' }]

[[tool.uv.index]]
name = "pytorch-cpu"
url = "https://download.pytorch.org/whl/cpu"  # was cpu
explicit = true
"""
CONDA_PIP = """\
dependencies:
  - python=3.11
  - pip:
      - --extra-index-url https://download.pytorch.org/whl/cpu
      - torch==2.6.0+cpu   # why
"""
CASES = {
    "extra/requirements.txt": (EXTRA, {"whl/cpu ": "whl/cu126 ", "0+cpu": "0+cu126"}),
    "only/requirements.txt": (ONLY, {"whl/cpu": "whl/cu126"}),
    "Dockerfile": (DOCKERFILE, {"whl/cpu \\": "whl/cu126 \\"}),
    "arg/Dockerfile": (DOCKER_ARG, {"BUILD=cpu": "BUILD=cu126"}),
    "uv/Dockerfile": (DOCKER_UV, {"backend=cpu": "backend=cu126"}),
    "pyproject.toml": (UV, {"pytorch-cpu": "pytorch-cu126", "whl/cpu": "whl/cu126"}),
    "environment.yml": (CONDA_PIP, {"whl/cpu": "whl/cu126", "0+cpu": "0+cu126"}),
}


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("name", CASES)
def test_the_index_moves_with_the_build_and_every_other_byte_stays(
    ask: Ask, tmp_path: Path, name: str, ends: str
) -> None:
    text, swaps = CASES[name]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.replace("\n", ends).encode())
    expected = text
    for old, new in swaps.items():
        expected = expected.replace(old, new)
    assert "cpu-build-on-gpu" in ask("check", path, *ADA).out
    assert ask("fix", "--apply", path, *ADA).status == 0
    assert path.read_bytes() == expected.replace("\n", ends).encode()
    assert ask("check", path, *ADA).status == 0
    assert ask("fix", "--apply", path, *ADA).out == f"{path}: nothing to do\n"


def test_an_index_in_an_included_file_moves_too(ask: Ask, tmp_path: Path) -> None:
    base, path = tmp_path / "base.txt", tmp_path / "requirements.txt"
    base.write_text("--extra-index-url https://download.pytorch.org/whl/cpu\ntorchvision==0.21.0+cpu\n")
    path.write_text("-r base.txt\ntorch==2.6.0+cpu\n")
    assert ask("fix", "--apply", path, *ADA).status == 0
    assert base.read_text() == "--extra-index-url https://download.pytorch.org/whl/cu126\ntorchvision==0.21.0+cu126\n"
    assert path.read_text() == "-r base.txt\ntorch==2.6.0+cu126\n"


@pytest.mark.parametrize(
    ("name", "text", "left"),
    [
        (
            "requirements.txt",
            "--extra-index-url https://download.pytorch.org/whl/cpu\ntorch==2.6.0+cpu\n",
            "torch==2.6.0\n",
        ),
        (
            "Dockerfile",
            "FROM python:3.11-slim\nRUN pip install \\\n  --extra-index-url https://download.pytorch.org/whl/cpu \\\n"
            "  torch==2.6.0+cpu\n",
            "FROM python:3.11-slim\nRUN pip install \\\n  torch==2.6.0\n",
        ),
        (
            "Dockerfile",
            "FROM python:3.11-slim\nRUN pip install torch==2.6.0+cpu -f https://download.pytorch.org/whl/cpu && true\n",
            "FROM python:3.11-slim\nRUN pip install torch==2.6.0 && true\n",
        ),
    ],
)
def test_with_pypis_own_build_the_index_goes(ask: Ask, tmp_path: Path, name: str, text: str, left: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert ask("fix", "--apply", "--index", "pypi", path, *ADA).status == 0
    assert path.read_text() == left
    assert ask("check", path, *ADA).status == 0


def test_a_build_that_a_dockerfile_needs_brings_its_index(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text("FROM python:3.11-slim\nRUN pip install -q torch==2.13.0\n")
    old = ("--gpu", "Tesla V100", "--driver", "580.65.06", "--platform", "linux-x86_64")
    assert ask("fix", "--apply", path, *old).status == 0
    wanted = "--extra-index-url https://download.pytorch.org/whl/cu126 torch==2.13.0+cu126"
    assert path.read_text() == f"FROM python:3.11-slim\nRUN pip install -q {wanted}\n"
    assert ask("check", path, *old).status == 0


def test_an_extra_that_is_there_for_the_cpu_stays_and_it_is_said(ask: Ask, tmp_path: Path) -> None:
    text = """\
[project]
name = "x"
requires-python = ">=3.11"
[project.optional-dependencies]
cpu = ["torch==2.6.0"]
cu126 = ["torch==2.6.0"]
[tool.uv.sources]
torch = [{ index = "pytorch-cpu", extra = "cpu" }, { index = "pytorch-cu126", extra = "cu126" }]
[[tool.uv.index]]
name = "pytorch-cpu"
url = "https://download.pytorch.org/whl/cpu"
explicit = true
[[tool.uv.index]]
name = "pytorch-cu126"
url = "https://download.pytorch.org/whl/cu126"
explicit = true
"""
    path = tmp_path / "pyproject.toml"
    path.write_text(text)
    answer = ask("fix", "--apply", path, *ADA)
    assert answer.status == 1
    assert path.read_text() == text
    assert "no other pins repair this" in answer.out


def test_a_repair_that_would_leave_an_error_is_not_written(ask: Ask, tmp_path: Path) -> None:
    """The image's CUDA is newer than what this driver runs, whatever torch comes."""
    text = (
        "FROM nvidia/cuda:12.8.0-base-ubuntu22.04\n"
        "RUN pip install torch==2.6.0+cpu --extra-index-url https://download.pytorch.org/whl/cpu\n"
    )
    path = tmp_path / "Dockerfile"
    path.write_text(text)
    answer = ask("fix", "--apply", path, *ADA)
    assert answer.status == 1
    assert path.read_text() == text
    assert "nothing is changed: with torch==2.6.0+cu126 it would still be wrong" in answer.err
    assert "written" not in answer.out


def test_what_check_proposes_names_the_build(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text(ONLY)
    (finding,) = ask("check", path, *ADA, "--json").json["findings"]
    assert finding["fix"] == ["torch==2.6.0+cu126"]
    assert finding["hint"] == "take a CUDA build: torch==2.6.0+cu126"
