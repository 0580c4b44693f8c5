"""`fix FILE… --apply` where a file names the PyTorch index of a build that does not serve the host: it moves along."""

from __future__ import annotations

import re
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


NAMED = {
    "ENV": "FROM python:3.11-slim\nENV PIP_EXTRA_INDEX_URL={}/cpu \\\n    A=1\nRUN pip install torch==2.6.0\n",
    "uv's ENV": 'FROM python:3.11-slim\nENV UV_INDEX="pytorch={}/cpu"\nRUN uv pip install --system torch==2.6.0\n',
    "pip config": "FROM python:3.11-slim\nRUN pip config set global.index-url {}/cpu && pip install torch==2.6.0\n",
    "links": "FROM python:3.11-slim\nRUN pip install torch==2.6.0 -f {}/cpu/torch_stable.html\n",
    "--find-links=": "FROM python:3.11-slim\nRUN pip install --find-links={}/cpu/torch/ torch==2.6.0\n",
}


@pytest.mark.parametrize("name", NAMED)
def test_an_index_is_seen_and_moved_however_it_is_named(ask: Ask, tmp_path: Path, name: str) -> None:
    path = tmp_path / "Dockerfile"
    text = NAMED[name].format("https://download.pytorch.org/whl")
    path.write_text(text)
    assert "cpu-build-on-gpu" in ask("check", path, *ADA).out
    assert ask("fix", "--apply", path, *ADA).status == 0
    assert path.read_text() == text.replace("/cpu", "/cu126")
    assert ask("check", path, *ADA).status == 0


def test_pip_does_not_read_what_is_said_to_uv(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text(
        NAMED["uv's ENV"].format("https://download.pytorch.org/whl").replace("uv pip install --system", "pip install")
    )
    assert ask("check", path, *ADA).status == 0


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("requirements.txt", "-f https://download.pytorch.org/whl/cpu\ntorch==2.6.0\n", 1),
        ("Dockerfile", "FROM python:3.11\nRUN pip install torch==2.6.0 -f https://download.pytorch.org/whl/cpu\n", 2),
    ],
)
def test_a_folder_is_no_page_of_links(ask: Ask, tmp_path: Path, name: str, text: str, line: int) -> None:
    """pip takes PyPI's build then, whatever the folder is called. A mirror's folder may list the files themselves."""
    path = tmp_path / name
    path.write_text(text)
    answer = ask("check", path, *ADA)
    assert answer.status == 0
    assert (
        f"{path}:{line}: warning[other]: -f https://download.pytorch.org/whl/cpu: an index's folder lists" in answer.out
    )
    path.write_text(text.replace("download.pytorch.org/whl", "mirror.example/pytorch-wheels"))
    assert "cpu-build-on-gpu" in ask("check", path, *ADA).out


def test_a_project_of_uv_goes_to_an_index_and_back(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    text = (
        '[project]\nname = "x"  # a name\nrequires-python = ">=3.11"\ndependencies = ["torch==2.13.0"]\n\n[tool.uv]\n'
    )
    path.write_text(text)
    assert ask("fix", "--apply", path, *ADA).status == 0
    moved = path.read_text()
    assert '"torch==2.13.0+cu1' in moved
    assert "[[tool.uv.index]]" in moved
    assert ask("check", path, *ADA).status == 0
    newer = (*ADA[:3], "580.65.06", *ADA[4:], "--index", "pypi")
    path.write_text(re.sub(r"cu\d{3}", "cpu", moved))
    assert ask("fix", "--apply", path, *newer).status == 0
    assert path.read_text() == text


VARIABLES = """\
FROM python:3.11-slim
ARG TORCH=2.5.1
ENV VISION="${VISION:-0.19.1}"
RUN pip install "torch==${TORCH}+cu124" torchvision==${VISION}+cu124 --extra-index-url https://download.pytorch.org/whl/cu124
"""


def test_a_variable_keeps_its_part_of_a_version(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text(VARIABLES)
    assert ask("fix", "--apply", path, *ADA).status == 0
    assert path.read_text() == VARIABLES.replace("0.19.1", "0.20.1")
    young = ("--gpu", "RTX 5090", "--driver", "570.86.16", "--platform", "linux-x86_64")
    assert ask("fix", "--apply", path, *young).status == 0
    moved = VARIABLES.replace("cu124", "cu128").replace("2.5.1", "2.7.0").replace("0.19.1", "0.22.0")
    assert path.read_text() == moved
    assert ask("check", path, *young).status == 0
