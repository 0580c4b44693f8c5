from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import compatmatrix
from compatmatrix.emit.container import SCRIPTS, requirement
from compatmatrix.emit.dockerfile import BESIDE, Base, default_base, files_beside, render, render_with
from compatmatrix.emit.requirements import render as render_requirements
from compatmatrix.lock.read import lock_digest
from compatmatrix.manifests.read import read_manifest
from compatmatrix.model.decision import Floor
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.lock import Lock

from .conftest import package, plain_lock

HADOLINT = shutil.which("hadolint") or shutil.which("hadolint", path=Path(sys.executable).parent)


def test_holds_its_lock_byte_for_byte(named_lock: tuple[str, Lock]) -> None:
    _, lock = named_lock
    inner = re.search(r"^COPY <<'LOCK' \S+\n(.*?)^LOCK$", render(lock), re.DOTALL | re.MULTILINE)
    assert inner is not None
    assert inner[1] == render_requirements(lock)
    assert f'org.compatmatrix.lock="{lock_digest(inner[1])}"' in render(lock)


def test_nvidia_settings_only_for_cuda_builds(cuda_lock: Lock, cpu_lock: Lock) -> None:
    text = render_with(cuda_lock, Base("base.example/python:1"))
    assert "\nFROM base.example/python:1\n" in text
    assert "NVIDIA_VISIBLE_DEVICES=all" in text
    assert "NVIDIA_DRIVER_CAPABILITIES=compute,utility" in text
    assert "NVIDIA_" not in render(cpu_lock)


def test_what_is_asked_of_the_driver(cuda_lock: Lock) -> None:
    """By the family's floor, without the leading zeros that semantic versions do not have."""
    assert 'NVIDIA_REQUIRE_CUDA="driver>=450.80.2,arch>=5.0"' in render(cuda_lock)
    no_archs = replace(cuda_lock.decision, floor=Floor(DriverVersion("525.60.13")))
    assert requirement(no_archs) == "driver>=525.60.13"
    unknown = Lock(replace(cuda_lock.decision, floor=None), cuda_lock.packages)
    assert "NVIDIA_REQUIRE_CUDA" not in render(unknown)
    assert requirement(replace(cuda_lock.decision, build="cpu")) == ""


def test_default_base_has_the_locks_python(cuda_lock: Lock, cpu_lock: Lock) -> None:
    assert "\nFROM python:3.12-slim\n" in render(cuda_lock)
    assert "\nFROM python:3.8-slim\n" in render(cpu_lock)


def test_a_compiler_where_something_must_be_built(cuda_lock: Lock) -> None:
    lock = Lock(cuda_lock.decision, (*cuda_lock.packages, package("zz", "1.0", 9, source=True)))
    text = render(lock)
    assert "\nFROM python:3.12\n" in text
    assert "# built from source, which needs a compiler: zz\n" in text


def test_a_free_threaded_python_is_not_an_official_image() -> None:
    text = render(plain_lock())
    assert "\nFROM ghcr.io/astral-sh/uv:debian-slim\n" in text
    assert "COPY --from" not in text
    assert "uv venv --seed --managed-python --python 3.14t /opt/venv \\\n" in text


def test_build_trains_where_the_stack_is_whole(cuda_lock: Lock, cpu_lock: Lock) -> None:
    assert 'RUN ["python", "/opt/compatmatrix/run_smoke.py", "cpu"]\n' in render(cuda_lock)
    bridge = 'RUN python -c "import torch, torchvision, fastai; torch.zeros(1).numpy()"\n'
    assert bridge in render_with(cuda_lock, Base("x:1"), smoke=False)
    assert 'RUN python -c "import torch"\n' in render(cpu_lock)
    assert "\nHEALTHCHECK " in render(cpu_lock)


def test_the_scripts_are_those_of_the_package(cuda_lock: Lock) -> None:
    bodies = re.findall(r"^COPY <<'SCRIPT' /opt/compatmatrix/(\S+)\n(.*?)^SCRIPT$", render(cuda_lock), re.S | re.M)
    assert [name for name, _ in bodies] == list(SCRIPTS)
    payload = Path(compatmatrix.__file__).parent / "prove" / "payload"
    for name, body in bodies:
        assert body == (payload / name).read_text(encoding="utf-8").rstrip("\n") + "\n"


def test_every_module_of_the_smoke_run_is_copied() -> None:
    """What the run imports of its own folder has to be in the image, or every build would fail."""
    folder = Path(compatmatrix.__file__).parent / "prove" / "payload"
    own = {path.stem for path in folder.glob("*.py")}
    for name in SCRIPTS:
        tree = ast.parse((folder / name).read_text(encoding="utf-8"))
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        lazily = {"smoke_full", "smoke_bench", "smoke_ranks"}
        assert {f"{other}.py" for other in imported & own - lazily} <= set(SCRIPTS)


@pytest.mark.parametrize("beside", [False, True])
def test_runs_without_root_and_after_the_install(cuda_lock: Lock, beside: bool) -> None:
    text = render_with(cuda_lock, Base("x:1"), beside=beside)
    assert text.startswith("# syntax=docker/dockerfile:1\n")
    assert text.index("--require-hashes -r /opt") < text.index("USER 10001:10001") < text.index("RUN [")


def test_the_settings_stand_before_the_long_texts(cuda_lock: Lock) -> None:
    text = render(cuda_lock)
    settings = [text.index(f"\n{word} ") for word in ("FROM", "LABEL", "ENV", "WORKDIR", "HEALTHCHECK", "CMD")]
    assert settings == sorted(settings)
    assert settings[-1] < text.index("<<'LOCK'") < text.index("<<'SCRIPT'")


def test_with_its_files_beside_it(cuda_lock: Lock, tmp_path: Path) -> None:
    """Short enough to be read whole; the lock is a file that pip and bots read, and `check` finds it through COPY."""
    text = render_with(cuda_lock, Base("x:1"), beside=True)
    assert "<<" not in text
    assert len(text.splitlines()) < 60
    files = files_beside(cuda_lock)
    assert files["requirements.txt"] == render_requirements(cuda_lock)
    assert set(files) == {"requirements.txt", *SCRIPTS}
    (tmp_path / BESIDE).mkdir()
    (tmp_path / BESIDE / "requirements.txt").write_text(files["requirements.txt"])
    (tmp_path / "Dockerfile").write_text(text)
    versions = read_manifest(tmp_path / "Dockerfile").stack.versions()
    assert versions["torch"] == "9.9.9+cu126"


def test_the_uv_that_brings_python_is_named(cuda_lock: Lock) -> None:
    text = render_with(cuda_lock, Base("nvidia/cuda:tag", python=False, uv="uv.example/uv:1.2.3"))
    assert "COPY --from=uv.example/uv:1.2.3 /uv /usr/local/bin/uv\n" in text


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed")
@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("base", [None, Base("nvidia/cuda:tag", python=False, uv="uv.example/uv:1.2.3")])
def test_hadolint_finds_nothing(named_lock: tuple[str, Lock], tmp_path: Path, base: Base | None, beside: bool) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(render_with(named_lock[1], base or default_base(named_lock[1]), beside=beside))
    found = subprocess.run([str(HADOLINT), str(file)], capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "")
