from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from compatmatrix.emit.dockerfile import render, render_with
from compatmatrix.emit.requirements import render as render_requirements
from compatmatrix.lock.read import lock_digest
from compatmatrix.model.lock import Lock


def test_holds_its_lock_byte_for_byte(named_lock: tuple[str, Lock]) -> None:
    _, lock = named_lock
    inner = re.search(r"^COPY <<'LOCK' \S+\n(.*?)^LOCK$", render(lock), re.DOTALL | re.MULTILINE)
    assert inner is not None
    assert inner[1] == render_requirements(lock)
    assert f'org.compatmatrix.lock="{lock_digest(inner[1])}"' in render(lock)


def test_nvidia_settings_only_for_cuda_builds(cuda_lock: Lock, cpu_lock: Lock) -> None:
    text = render_with(cuda_lock, "base.example/python:1", "cuda>=12.6 driver>=525")
    assert "\nFROM base.example/python:1\n" in text
    assert "NVIDIA_VISIBLE_DEVICES=all" in text
    assert "NVIDIA_DRIVER_CAPABILITIES=compute,utility" in text
    assert 'NVIDIA_REQUIRE_CUDA="cuda>=12.6 driver>=525"' in text
    assert "NVIDIA_REQUIRE_CUDA" not in render(cuda_lock)
    assert "NVIDIA_" not in render_with(cpu_lock, "x:1", "cuda>=12.6")


def test_default_base_has_the_locks_python(cuda_lock: Lock, cpu_lock: Lock) -> None:
    assert "\nFROM python:3.12-slim\n" in render(cuda_lock)
    assert "\nFROM python:3.8-slim\n" in render(cpu_lock)


def test_build_imports_what_is_locked(cuda_lock: Lock, cpu_lock: Lock) -> None:
    assert 'RUN python -c "import torch, torchvision, fastai; torch.zeros(1).numpy()"\n' in render(cuda_lock)
    assert 'RUN python -c "import torch"\n' in render(cpu_lock)
    assert "\nHEALTHCHECK " in render(cpu_lock)


def test_runs_without_root_and_after_the_install(cuda_lock: Lock) -> None:
    text = render(cuda_lock)
    assert text.startswith("# syntax=docker/dockerfile:1\n")
    assert text.index("--require-hashes -r /opt") < text.index("USER 1000:1000") < text.index("RUN python -c")


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not on PATH")
def test_hadolint_finds_nothing(named_lock: tuple[str, Lock], tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(render_with(named_lock[1], "python:3.12-slim", "cuda>=12.6"))
    found = subprocess.run(["hadolint", str(file)], capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "")
