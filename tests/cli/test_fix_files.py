"""`fix FILE… --apply` and back: what is written is judged fine, and nothing but the pins has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Ask

WHERE = ("--no-gpu", "--platform", "linux-x86_64")

REQUIREMENTS = """\
# the course's pins — keep
--extra-index-url https://download.pytorch.org/whl/cu121  # builds
torch == 2.5.1+cu121    ; python_version >= "3.9"   # why
torchvision[extra] ==0.19.1+cu121\t# tab
Pillow>=9
"""
PROJECT = """\
[project]
name = "x"   # a name
requires-python = ">=3.10"
dependencies = [
    "torch==2.5.1",        # pinned
    'torchvision==0.19.1', "fastai>=2.7",
]
"""
POETRY = """\
[tool.poetry.dependencies]
python = "^3.10"
torch = "2.5.1"   # pinned
torchvision = { version = "0.19.1", extras = [] }  # and this
"""
CONDA = """\
name: x   # a name
dependencies:
  - python=3.11
  - "pytorch=2.5.1"
  - conda-forge::torchvision=0.19.1   # old
  - pytorch-cuda=12.4
  - pip:
      - 'timm'  # stays
"""
CONDA_PIP = """\
dependencies:
  - python=3.11
  - pip:
      - 'torch==2.5.1'   # quoted
      - "torchvision==0.19.1" # and this
"""
DOCKERFILE = """\
# syntax=docker/dockerfile:1
FROM python:3.11-slim
ARG TV="0.19.1"
RUN pip install --no-cache-dir \\
      torch==2.5.1 \\
      # a comment
      torchvision==$TV
"""
CASES = {
    "requirements.txt": (REQUIREMENTS, "0.19.1+cu121", "0.20.1+cu121"),
    "pyproject.toml": (PROJECT, "0.19.1", "0.20.1"),
    "poetry/pyproject.toml": (POETRY, "0.19.1", "0.20.1"),
    "environment.yml": (CONDA, "0.19.1", "0.20.1"),
    "pip/environment.yml": (CONDA_PIP, "0.19.1", "0.20.1"),
    "Dockerfile": (DOCKERFILE, "0.19.1", "0.20.1"),
}


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("name", CASES)
def test_one_pin_moves_and_every_other_byte_stays(ask: Ask, tmp_path: Path, name: str, mark: str, ends: str) -> None:
    text, old, new = CASES[name]
    raw = (mark + text.replace("\n", ends)).encode()
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(raw)
    assert ask("check", path, *WHERE).status == 1
    shown = ask("fix", path, *WHERE)
    assert shown.status == 1
    assert path.read_bytes() == raw
    assert ask("fix", "--apply", path, *WHERE).status == 0
    assert path.read_bytes() == raw.replace(old.encode(), new.encode())
    assert ask("check", path, *WHERE).status == 0
    assert ask("fix", "--apply", path, *WHERE).out == f"{path}: nothing to do\n"


def test_parts_that_share_their_lines_are_repaired_together(ask: Ask, tmp_path: Path) -> None:
    """Each by itself would move another package; moving torch serves both."""
    path = tmp_path / "pyproject.toml"
    path.write_text(f'{PROJECT}[project.optional-dependencies]\ngpu = ["torchaudio==2.4.1"]\n')
    assert ask("fix", "--apply", path, *WHERE).status == 0
    assert '"torch==2.4.1",        # pinned' in path.read_text()
    assert ask("check", path, *WHERE).status == 0


def test_a_file_and_what_it_includes(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_bytes(b"torch==2.5.1\r\nfastai==2.7.12\r\n")
    path = tmp_path / "requirements.txt"
    path.write_text("-r base.txt\ntorchvision==0.19.1\n")
    answer = ask("fix", "--apply", path, *WHERE)
    assert answer.status == 0
    assert (tmp_path / "base.txt").read_bytes() == b"torch==2.5.1\r\nfastai==2.7.18\r\n"
    assert path.read_text() == "-r base.txt\ntorchvision==0.20.1\n"
    assert str(tmp_path / "base.txt") in answer.out


def test_hashes_of_another_version_are_never_left_behind(ask: Ask, tmp_path: Path) -> None:
    hashes = f" \\\n    --hash=sha256:{'0' * 64}\n"
    text = f"torch==2.5.1{hashes}torchvision==0.19.1{hashes}"
    other, path = tmp_path / "other.txt", tmp_path / "requirements.txt"
    path.write_text(text)
    other.write_text("torch==2.5.1\ntorchvision==0.19.1\n")
    answer = ask("fix", "--apply", other, path, *WHERE)
    assert answer.status == 3
    assert f"{path}:3: torchvision is locked with hashes" in answer.err
    assert "compatmatrix lock" in answer.err
    assert path.read_text() == text
    assert other.read_text() == "torch==2.5.1\ntorchvision==0.19.1\n"


def test_the_torch_of_an_image_stays(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text("FROM pytorch/pytorch:2.4.1-cuda12.1-cudnn9-runtime\nRUN pip install torchvision==0.17.0\n")
    assert ask("fix", "--apply", path, *WHERE).status == 0
    assert path.read_text().endswith("RUN pip install torchvision==0.19.1\n")


OTHERS = {
    "Dockerfile": (
        "FROM python:3.11-slim AS a\nRUN pip install torch==2.4.1 torchvision==0.19.1\n"
        "FROM python:3.11-slim AS b\nRUN pip install torch==2.5.1 torchvision==0.19.1\n",
        "torch==2.5.1 torchvision==0.20.1\n",
    ),
    "requirements.txt": (
        'torchvision==0.17.2; sys_platform == "darwin"\ntorch==2.2.2 ; sys_platform == "darwin"\n'
        'torch==2.5.1 ; sys_platform == "linux"\ntorchvision==0.19.1 ; sys_platform == "linux"\n',
        'torchvision==0.20.1 ; sys_platform == "linux"\n',
    ),
    "pyproject.toml": (
        '[project]\nname = "x"\n[project.optional-dependencies]\n'
        'old = ["torch==1.13.1", "torchvision==0.14.1"]\nnew = ["torch==2.5.1", "torchvision==0.19.1"]\n',
        'new = ["torch==2.5.1", "torchvision==0.20.1"]\n',
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_stages_systems_and_extras_keep_their_pins(ask: Ask, tmp_path: Path, name: str) -> None:
    """A name that stands on several lines is several pins."""
    text, expected = OTHERS[name]
    path = tmp_path / name
    path.write_text(text)
    assert ask("fix", "--apply", path, *WHERE).status == 0
    assert path.read_text().splitlines()[:-1] == text.splitlines()[:-1]
    assert path.read_text().endswith(expected)


def test_a_range_moves_only_where_no_pin_helps(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("torch>=2.5,<2.6  # ours\ntorchvision==0.19.1\n")
    assert ask("fix", "--apply", path, *WHERE).status == 0
    assert path.read_text() == "torch>=2.5,<2.6  # ours\ntorchvision==0.20.1\n"
    path.write_text("torch==2.0.1\ntorchvision==0.15.2\nnumpy>=2  # ours\n")
    assert "no choice within numpy>=2 works here" in ask("check", path, *WHERE).out
    assert ask("fix", "--apply", path, *WHERE).status == 0
    assert ask("check", path, *WHERE).status == 0
    assert ask("fix", "--apply", path, *WHERE).out == f"{path}: nothing to do\n"
