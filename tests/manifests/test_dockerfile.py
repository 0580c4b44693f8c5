from __future__ import annotations

from pathlib import Path

import pytest

from compatmatrix.errors import BadInput
from compatmatrix.manifests.base_images import split, told_by
from compatmatrix.manifests.dockerfile import edit, read
from compatmatrix.manifests.manifest import Part, settle
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.target import Target

PATH = Path("Dockerfile")


def parts(text: str, path: Path = PATH) -> list[Part]:
    return [settle(section, Target())[0] for section in read(path, text).sections]


def last(run: str) -> Part:
    return parts(f"FROM python:3.12-slim\n{run}\n")[-1]


@pytest.mark.parametrize(
    "run",
    [
        "RUN pip install torch==2.8.0",
        "RUN pip3 install --no-cache-dir torch==2.8.0",
        "RUN pip install -U --quiet 'torch==2.8.0' && rm -rf x",
        'RUN apt-get update; python -m pip install "torch==2.8.0"',
        "RUN python3.12 -m pip --disable-pip-version-check install torch==2.8.0 > /dev/null 2>&1",
        "RUN /opt/venv/bin/pip install torch==2.8.0",
        "RUN uv pip install --system torch==2.8.0",
        "RUN PIP_NO_CACHE_DIR=1 sudo pip install torch==2.8.0",
        "RUN --mount=type=cache,target=/cache pip install torch==2.8.0",
        'RUN ["pip", "install", "torch==2.8.0"]',
        "RUN <<EOF\nset -e\npip install torch==2.8.0\nEOF",
        "RUN <<-'X'\n\tpip install \\\n\t  torch==2.8.0\n\tX",
        "ARG V=2.8.0\nRUN pip install torch==${V}",
        "ENV V 2.8.0\nRUN pip install torch==$V",
        "RUN pip install torch==${MISSING:-2.8.0}",
        "run pip install \\\n  # the one that works\n\n  torch==2.8.0",
        "COPY <<EOF /req.txt\ntorch==2.8.0\nEOF\nRUN pip install -r /req.txt",
        "ONBUILD RUN pip install torch==2.8.0",
    ],
)
def test_what_is_installed(run: str) -> None:
    found = last(run)
    assert found.stack.versions() == {"torch": "2.8.0"}
    text = f"FROM python:3.12-slim\n{run}\n".splitlines()
    if "$" not in run:
        assert "2.8.0" in text[found.places["torch"].line - 1]


@pytest.mark.parametrize(
    "run",
    [
        "RUN echo pip install torch==2.8.0",
        "RUN pip download torch==2.8.0",
        'RUN if [ -n "$GPU" ]; then pip install torch==2.8.0; fi',
        "RUN pip install torch==${NOBODY_SAID}",
        "RUN pip install torch==$(cat version)",
        "# RUN pip install torch==2.8.0",
        "RUN pip install -r /nowhere.txt",
        "RUN pip install ./torch-2.8.0.tar.gz .",
        "CMD pip install torch==2.8.0",
        "RUN pip install torch==2.8.0=3",
        "RUN pip install",
        'RUN ["pip", "install"',
    ],
)
def test_what_is_not(run: str) -> None:
    assert last(run).stack.versions() == {}


@pytest.mark.parametrize(
    ("run", "flavour", "only"),
    [
        ("RUN pip install torch==2.8.0", None, False),
        ("RUN pip install torch==2.8.0 --index-url https://wheels.example/whl/cu126", "cu126", True),
        ("RUN pip install torch==2.8.0 --index-url=https://wheels.example/whl/cpu", "cpu", True),
        ("RUN pip install torch==2.8.0 --extra-index-url https://wheels.example/whl/cu126", "cu126", False),
        ("RUN uv pip install --torch-backend=cu126 torch==2.8.0", "cu126", True),
        ("ENV PIP_EXTRA_INDEX_URL=https://wheels.example/whl/cu126\nRUN pip install torch==2.8.0", "cu126", False),
        ("ENV UV_TORCH_BACKEND=cpu\nRUN uv pip install torch==2.8.0", "cpu", True),
    ],
)
def test_the_build_that_an_index_leads_to(run: str, flavour: str | None, only: bool) -> None:
    found = last(run)
    assert found.stack["torch"].flavour == flavour
    assert ("torch" in found.only) is only


def test_a_build_that_is_chosen_at_build_time_is_not_guessed() -> None:
    assert last("RUN uv pip install --torch-backend=auto torch==2.8.0").opaque == {"torch"}
    assert last("ARG I\nRUN pip install --index-url $I torch==2.8.0").opaque == {"torch"}


STAGES = """\
ARG BASE=nvidia/cuda:12.6.3-base-ubuntu22.04
FROM ${BASE} AS base
RUN pip install torch==2.8.0 torchvision==0.23.0
FROM base AS train
RUN pip install torchvision==0.22.0 fastai==2.8.5 torch
FROM --platform=linux/arm64 python:3.11.4-slim
COPY --from=train /opt /opt
"""


def test_stages_stand_on_each_other() -> None:
    base, train, final = parts(STAGES)
    assert base.section.name == "stage base"
    assert base.stack.versions() == {"torch": "2.8.0", "torchvision": "0.23.0"}
    assert train.stack.versions() == {"torch": "2.8.0", "torchvision": "0.22.0", "fastai": "2.8.5"}
    assert train.section.image is not None
    assert (train.section.image.cuda, train.section.image.tag) == (Cuda(12, 6), "12.6.3-base-ubuntu22.04")
    assert final.stack.versions() == {}
    assert (final.section.python, final.section.platform) == ("==3.11.4", "linux-aarch64")


def test_images_of_stages_that_only_build_ask_nothing_of_a_driver() -> None:
    images = [part.section.image for part in parts(STAGES)]
    assert [image is not None and image.requires for image in images] == [False, False, False]
    images = [part.section.image for part in parts(STAGES.partition("FROM --platform")[0])]
    assert [image is not None and image.requires for image in images] == [False, True]


@pytest.mark.parametrize(
    ("environment", "requires", "cuda"),
    [
        ("", True, Cuda(12, 6)),
        ("ENV NVIDIA_DISABLE_REQUIRE=1\n", False, Cuda(12, 6)),
        ("ENV NVIDIA_REQUIRE_CUDA=\n", False, Cuda(12, 6)),
        ('ENV NVIDIA_REQUIRE_CUDA="cuda>=11.8"\n', True, Cuda(11, 8)),
    ],
)
def test_what_an_image_asks_of_the_driver(environment: str, requires: bool, cuda: Cuda) -> None:
    (found,) = parts(f"FROM nvidia/cuda:12.6.3-base-ubuntu22.04\n{environment}")
    assert found.section.image is not None
    assert (found.section.image.requires, found.section.image.cuda) == (requires, cuda)


@pytest.mark.parametrize(
    ("reference", "name", "tag"),
    [
        ("python", "python", ""),
        ("python:3.12", "python", "3.12"),
        ("docker.io/library/python:3.12-slim@sha256:abc", "python", "3.12-slim"),
        ("nvcr.io/nvidia/cuda:12.6.3-base-ubuntu22.04", "nvidia/cuda", "12.6.3-base-ubuntu22.04"),
        ("localhost:5000/me/app:1", "me/app", "1"),
        ("localhost:5000/me/app", "me/app", ""),
    ],
)
def test_image_references(reference: str, name: str, tag: str) -> None:
    assert split(reference) == (name, tag)


@pytest.mark.parametrize(
    ("name", "tag", "python", "musl"),
    [
        ("python", "3.12-slim", "==3.12.*", False),
        ("python", "3.12.4", "==3.12.4", False),
        ("python", "3.13-alpine3.20", "==3.13.*", True),
        ("python", "3.14-rc-slim", "==3.14.*", False),
        ("python", "latest", "", False),
        ("alpine", "3.20", "", True),
        ("astral-sh/uv", "python3.12-bookworm-slim", "==3.12.*", False),
        ("ubuntu", "24.04", "", False),
    ],
)
def test_what_tags_tell(name: str, tag: str, python: str, musl: bool) -> None:
    told = told_by(name, tag)
    assert (told.python, told.musl) == (python, musl)


def test_the_torch_of_an_image() -> None:
    (found,) = parts("FROM pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime\nRUN pip install torchvision==0.20.1 torch\n")
    assert found.stack.versions() == {"torch": "2.5.1", "torchvision": "0.20.1"}
    assert found.opaque == {"torch"}
    assert found.section.cuda == Cuda(12, 4)


def test_conda_lines() -> None:
    run = "RUN conda install -y -c pytorch -c nvidia pytorch=2.5.1 pytorch-cuda=12.4 python=3.11 && conda clean -a"
    (found,) = parts(f"FROM continuumio/miniconda3\n{run}\n")
    assert found.stack.versions()["torch"] == "2.5.1"
    assert "torch" in found.conda
    assert found.section.cuda == Cuda(12, 4)
    assert found.section.python == "==3.11.*"


def test_copied_requirements_keep_their_own_lines(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/requirements.txt").write_text("# pins\ntorch==2.8.0\n")
    text = "FROM python:3.12\nCOPY deploy/requirements.txt /tmp/r.txt\nRUN pip install -r /tmp/r.txt\n"
    (found,) = parts(text, tmp_path / "Dockerfile")
    assert found.places["torch"] == (str(tmp_path / "deploy/requirements.txt"), 2)


def test_the_escape_directive() -> None:
    text = "# escape=`\nFROM python:3.12\nRUN pip install `\n torch==2.8.0\n"
    assert parts(text)[0].places["torch"].line == 4


@pytest.mark.parametrize("text", ["", "# nothing\n", "RUN pip install torch\n", "hello\n"])
def test_without_from_it_is_no_dockerfile(text: str) -> None:
    with pytest.raises(BadInput, match=r"Dockerfile:1: no FROM"):
        read(PATH, text)


@pytest.mark.parametrize(
    "text", ["FROM\n", "FROM $X\n", "FROM a\nRUN \\", "FROM a\nRUN <<EOF\npip install", "FROM a\nRUN '\"\n"]
)
def test_odd_files_are_read(text: str) -> None:
    assert parts(text)[0].stack.versions() == {}


EDITED = """\
FROM python:3.12-slim
ARG TORCH_VERSION="2.8.0" # why
RUN pip install --no-cache-dir \\
      torch==${TORCH_VERSION} \\
      'torchvision==0.23.0' numpy==1.26.4 \\
      # and this
      fastai
COPY <<EOF /r.txt
pandas==2.2.0  # in a file
EOF
RUN <<EOF
pip install pillow==10.0.0 \\
   scipy==1.0
EOF
RUN ["pip", "install", "timm==1.0.0"]
"""


def test_edit_changes_nothing_else() -> None:
    changes = {
        "torch": "==2.9.0",
        "torchvision": "==0.24.0",
        "numpy": ">=2",
        "pandas": "==2.3.3",
        "pillow": "==11.0.0",
        "scipy": "==1.1",
        "timm": "==1.0.1",
    }
    assert edit(PATH, EDITED, changes) == (
        EDITED.replace('"2.8.0"', '"2.9.0"')
        .replace("torchvision==0.23.0", "torchvision==0.24.0")
        .replace("numpy==1.26.4", '"numpy>=2"')
        .replace("pandas==2.2.0", "pandas==2.3.3")
        .replace("pillow==10.0.0", "pillow==11.0.0")
        .replace("scipy==1.0", "scipy==1.1")
        .replace("timm==1.0.0", "timm==1.0.1")
    )


def test_edit_with_what_stands_there_changes_nothing() -> None:
    said = {"torch": "==2.8.0", "torchvision": "==0.23.0", "numpy": "==1.26.4", "pandas": "==2.2.0", "fastai": ""}
    assert edit(PATH, EDITED, said) == EDITED
    assert edit(PATH, EDITED, {}) == EDITED
