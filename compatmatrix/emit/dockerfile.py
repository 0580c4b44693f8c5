"""A Dockerfile that holds its own lock: nothing else is needed to build it, and the build tries the stack."""

from __future__ import annotations

import json

from compatmatrix.emit import requirements
from compatmatrix.emit.digest import lock_digest
from compatmatrix.emit.format import Format
from compatmatrix.emit.header import comment
from compatmatrix.emit.python import python_minor
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.decision import Decision
from compatmatrix.model.lock import Lock

_IMPORTED = ("torch", "torchvision", "torchaudio", "fastai")
_LOCK_FILE = "/opt/compatmatrix/requirements.txt"


def render(lock: Lock) -> str:
    """On the slim image of the lock's Python: the wheels bring CUDA. No claim on the driver is made."""
    minor = python_minor(lock.decision).removesuffix("t")
    return render_with(lock, f"python:{minor or '3'}-slim", "")


def render_with(lock: Lock, base_image: str, cuda_require: str) -> str:
    """On a given base image.

    base_image: what stands behind FROM; it must have the lock's Python as `python`. cuda_require: the value of
    NVIDIA_REQUIRE_CUDA ("cuda>=12.4"), which the container runtime compares with the driver; empty for none. It is
    left out for builds without CUDA.
    """
    text = requirements.render(lock)
    parts = [
        ["# syntax=docker/dockerfile:1", *comment(lock.decision), f"FROM {base_image}"],
        _labels(lock.decision, lock_digest(text)),
        _environment(lock.decision, cuda_require),
        ["RUN useradd --create-home --uid 1000 app"],
        [f"COPY <<'LOCK' {_LOCK_FILE}", text.rstrip("\n"), "LOCK"],
        [
            "RUN --mount=type=cache,target=/root/.cache/pip \\",
            f"    python -m pip install --require-hashes -r {_LOCK_FILE}",
        ],
        ["USER 1000:1000", "WORKDIR /home/app"],
        [
            "# The build fails here, not the first training, where the stack does not hang together.",
            _import_check(lock),
        ],
        [
            "HEALTHCHECK --interval=5m --timeout=60s --start-period=60s \\",
            f"    CMD {json.dumps(['python', '-c', _health(lock)])}",
        ],
        ['CMD ["python"]'],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _labels(decision: Decision, digest: str) -> list[str]:
    labels = {"lock": digest, "matrix": decision.matrix_digest, "build": decision.build}
    rows = [f"org.compatmatrix.{key}={json.dumps(value)}" for key, value in labels.items()]
    return ["LABEL " + " \\\n      ".join(rows)]


def _environment(decision: Decision, cuda_require: str) -> list[str]:
    rows = ["PYTHONUNBUFFERED=1"]
    if Cuda.from_tag(decision.build) is not None:
        rows += ["NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_DRIVER_CAPABILITIES=compute,utility"]
        if cuda_require:
            rows.append(f"NVIDIA_REQUIRE_CUDA={json.dumps(cuda_require)}")
    return ["ENV " + " \\\n    ".join(rows)]


def _import_check(lock: Lock) -> str:
    """Import the stack and cross the bridge to numpy, which a wrong numpy breaks without a word at install."""
    names = {package.name for package in lock.packages}
    imported = ", ".join(name for name in _IMPORTED if name in names) or "sys"
    bridge = "; torch.zeros(1).numpy()" if {"torch", "numpy"} <= names else ""
    return f'RUN python -c "import {imported}{bridge}"'


def _health(lock: Lock) -> str:
    if not any(package.name == "torch" for package in lock.packages):
        return "import sys"
    return "import torch; torch.ones(1, device='cuda' if torch.cuda.is_available() else 'cpu').sum().item()"


FORMAT = Format("dockerfile", "Dockerfile", render)
