"""A Dockerfile with the lock and the test of it: the build tries the stack. One file, or one with files beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from compatmatrix.emit import container, requirements
from compatmatrix.emit.container import FOLDER, heredoc
from compatmatrix.emit.format import Format
from compatmatrix.emit.header import comment
from compatmatrix.emit.python import python_minor
from compatmatrix.model.decision import Decision
from compatmatrix.model.lock import Lock

UV_IMAGE = "ghcr.io/astral-sh/uv"
"""uv's own images: a tag for each of its releases (docs.astral.sh/uv, guide Docker)."""

BESIDE = "compatmatrix"
"""The folder beside a Dockerfile that does not hold its lock and scripts itself."""

_LOCK_NAME = "requirements.txt"
_LOCK_FILE = f"{FOLDER}/{_LOCK_NAME}"
_VENV = "/opt/venv"
_USER = "useradd --create-home --uid 10001 app"


class Base(NamedTuple):
    """What stands behind FROM. python: its `python` is the lock's; else uv brings one.

    uv: the image that uv is copied from; empty where the image has it.
    """

    image: str
    python: bool = True
    uv: str = ""


def render(lock: Lock) -> str:
    """On the slim image of the lock's Python: the wheels bring CUDA. Where something must be built, on the full one."""
    return render_with(lock, default_base(lock))


def default_base(lock: Lock) -> Base:
    """The smallest official image that serves: slim, or with compilers where a package has no wheel.

    The official images are not free-threaded; such a Python is brought by uv.
    """
    minor = python_minor(lock.decision)
    if minor.endswith("t"):
        return Base(f"{UV_IMAGE}:debian-slim", python=False)
    return Base(f"python:{minor or '3'}" + ("" if built(lock) else "-slim"))


def built(lock: Lock) -> tuple[str, ...]:
    """The packages that have no wheel and are built with the image."""
    return tuple(package.name for package in lock.packages if package.from_source)


def render_with(lock: Lock, base: Base, *, smoke: bool = True, beside: bool = False) -> str:
    """On a given base image. smoke: train on the CPU while building; what does not hang together gives no image.

    beside: copy the lock and the scripts from the folder BESIDE, see `files_beside`, instead of holding them. What a
    reader looks for comes first: the long texts stand behind all settings.
    """
    parts = [
        ["# syntax=docker/dockerfile:1", *comment(lock.decision), *_why(lock), *_where(beside), f"FROM {base.image}"],
        ["LABEL " + " \\\n      ".join(f"{key}={json.dumps(value)}" for key, value in container.labels(lock).items())],
        _environment(lock.decision),
        _own_python(lock, base.uv, _USER) if not base.python else [f"RUN {_USER}"],
        ["WORKDIR /home/app"],
        [
            "HEALTHCHECK --interval=5m --timeout=60s --start-period=60s \\",
            f"    CMD {json.dumps(['python', '-c', _health(lock)])}",
        ],
        ['CMD ["python"]'],
        _text(_LOCK_NAME, "LOCK", requirements.render(lock), beside),
        [
            "RUN --mount=type=cache,target=/root/.cache/pip \\",
            f"    python -m pip install --require-hashes -r {_LOCK_FILE}",
        ],
        *_scripts(beside),
        ["USER 10001:10001"],
        _build_check(lock, smoke),
        _run_check(lock),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def files_beside(lock: Lock) -> Mapping[str, str]:
    """What the folder BESIDE holds for a Dockerfile that was rendered with `beside`: names and texts."""
    return {_LOCK_NAME: requirements.render(lock), **{name: container.script(name) for name in container.SCRIPTS}}


def _where(beside: bool) -> list[str]:
    if beside:
        return [f"# {BESIDE}/ beside this file: the lock with its hashes, and the scripts that try it"]
    return [
        "# in this file: the settings, the lock with its hashes and its install, the scripts that try it, the trial"
    ]


def _text(name: str, word: str, text: str, beside: bool) -> list[str]:
    if beside:
        return [f"COPY --chmod=644 {BESIDE}/{name} {FOLDER}/{name}"]
    return [f"COPY <<'{word}' {FOLDER}/{name}", *heredoc(text, word)]


def _scripts(beside: bool) -> list[list[str]]:
    if beside:
        return [[f"COPY --chmod=755 {BESIDE}/ {FOLDER}/"]]
    return [_text(name, "SCRIPT", container.script(name), beside) for name in container.SCRIPTS]


def _why(lock: Lock) -> list[str]:
    names = built(lock)
    return [f"# built from source, which needs a compiler: {', '.join(names)}"] if names else []


def _environment(decision: Decision) -> list[str]:
    rows = ["PYTHONUNBUFFERED=1"]
    if container.uses_cuda(decision):
        rows += ["NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_DRIVER_CAPABILITIES=compute,utility"]
        if requirement := container.requirement(decision):
            rows.append(f"NVIDIA_REQUIRE_CUDA={json.dumps(requirement)}")
    return ["ENV " + " \\\n    ".join(rows)]


def _own_python(lock: Lock, uv: str, then: str) -> list[str]:
    """Python by uv, for images that have none or another one; then: what the same layer does besides."""
    return [
        *([f"COPY --from={uv} /uv /usr/local/bin/uv"] if uv else []),
        f"ENV UV_PYTHON_INSTALL_DIR=/opt/python PATH={_VENV}/bin:$PATH",
        f"RUN uv venv --seed --managed-python --python {python_minor(lock.decision) or '3'} {_VENV} \\",
        f"    && {then}",
    ]


def _build_check(lock: Lock, smoke: bool) -> list[str]:
    """Train where the whole stack is there; else import what is, and cross the bridge to numpy."""
    names = {package.name for package in lock.packages}
    reason = "# The build fails here, not the first training, where the stack does not hang together."
    if smoke and {"torch", "torchvision", "fastai"} <= names:
        return [reason, f"RUN {json.dumps(container.smoke_command('cpu'))}"]
    imported = ", ".join(name for name in ("torch", "torchvision", "torchaudio", "fastai") if name in names) or "sys"
    bridge = "; torch.zeros(1).numpy()" if {"torch", "numpy"} <= names else ""
    return [reason, f'RUN python -c "import {imported}{bridge}"']


def _run_check(lock: Lock) -> list[str]:
    if not container.wants_gpu(lock.decision):
        return []
    return [f"# on the GPU: docker run --rm --gpus all IMAGE {' '.join(container.smoke_command('cuda'))}"]


def _health(lock: Lock) -> str:
    if not any(package.name == "torch" for package in lock.packages):
        return "import sys"
    return "import torch; torch.ones(1, device='cuda' if torch.cuda.is_available() else 'cpu').sum().item()"


FORMAT = Format("dockerfile", "Dockerfile", render)
