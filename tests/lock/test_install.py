"""What we emit is installed by its real readers: plain pip and uv."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import uv
from serve_index import Index

from compatmatrix.emit.constraints import render as render_constraints
from compatmatrix.emit.pylock import render as render_pylock
from compatmatrix.emit.requirements import render
from compatmatrix.emit.uv import render as render_uv
from compatmatrix.lock.closure import lock
from compatmatrix.model.host import Host
from compatmatrix.model.lock import Lock

from .conftest import make_decision

EXPECTED = {"torch": "9.9.9+cu126", "torchvision": "0.99.9+cu126", "fastai": "2.99.0", "numpy": "1.26.4"}
needs_pip = pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="no pip in the test environment")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A fresh virtual environment's interpreter."""
    call(uv.find_uv_bin(), "venv", "-q", "--no-project", "--python", sys.executable, tmp_path / "venv")
    return tmp_path / "venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


@pytest.fixture
def locked(world: Index, this_host: Host) -> Lock:
    decision = make_decision("onlysource", index_url=world.url("whl/cu126"), host=this_host)
    return lock(decision, default_index=world.url("simple"))


def call(*argv: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done


def installed(python: Path) -> dict[str, str]:
    code = "import json, importlib.metadata as m; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    found: dict[str, str] = json.loads(call(python, "-c", code).stdout)
    return found


@needs_pip
def test_plain_pip_installs_with_hashes(world: Index, locked: Lock, target: Path, tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text(render(locked))
    pip = (sys.executable, "-m", "pip", "--python", target, "install", "-q", "--index-url", world.url("simple"))
    call(*pip, "--require-hashes", "-r", file)
    assert installed(target) == {package.name: str(package.version) for package in locked.packages}
    assert installed(target).items() >= EXPECTED.items()
    call(target, "-c", "import torch, torchvision, fastai")


@needs_pip
def test_a_changed_file_is_refused(world: Index, locked: Lock, target: Path, tmp_path: Path) -> None:
    text = render(locked)
    torch = next(package for package in locked.packages if package.name == "torch")
    file = tmp_path / "requirements.txt"
    file.write_text(text.replace(torch.hashes[0], "sha256:" + "0" * 64))
    pip = [sys.executable, "-m", "pip", "--python", str(target), "install", "-q", "--index-url", world.url("simple")]
    done = subprocess.run([*pip, "--require-hashes", "-r", str(file)], capture_output=True, text=True)
    assert done.returncode != 0
    assert "HASHES" in done.stderr


@pytest.mark.parametrize("how", [("sync",), ("install", "-r")])
def test_uv_installs_with_hashes(
    world: Index, locked: Lock, target: Path, tmp_path: Path, how: tuple[str, ...]
) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text(render(locked))
    # As the header says: uv takes the first index that knows a name; pip looks at all. The hashes make both safe.
    options = ("--require-hashes", "--index-strategy", "unsafe-best-match", "--default-index", world.url("simple"))
    call(uv.find_uv_bin(), "pip", how[0], "-q", "--python", target, *options, *how[1:], file)
    assert installed(target).items() >= EXPECTED.items()


def test_constraints_hold_other_requirements(world: Index, locked: Lock, target: Path, tmp_path: Path) -> None:
    file = tmp_path / "constraints.txt"
    file.write_text(render_constraints(locked))
    options = ("--index", world.url("whl/cu126"), "--index-strategy", "unsafe-best-match")
    base = ("--default-index", world.url("simple"))
    call(uv.find_uv_bin(), "pip", "install", "-q", "--python", target, *options, *base, "-c", file, "fastai")
    assert installed(target).items() >= EXPECTED.items()


def pylock_file(locked: Lock, folder: Path) -> Path:
    file = folder / "pylock.toml"
    file.write_text(render_pylock(locked))
    return file


@pytest.mark.parametrize("how", [("sync",), ("install", "-r")])
def test_uv_installs_the_standards_lock(locked: Lock, target: Path, tmp_path: Path, how: tuple[str, ...]) -> None:
    """Every file has its address, so no index is asked."""
    file = pylock_file(locked, tmp_path)
    call(uv.find_uv_bin(), "pip", how[0], "-q", "--python", target, "--no-index", *how[1:], file)
    assert installed(target) == {package.name: str(package.version) for package in locked.packages}
    call(target, "-c", "import torch, torchvision, fastai")


@needs_pip
def test_pips_own_reader_installs_the_standards_lock(locked: Lock, target: Path, tmp_path: Path) -> None:
    if "pylock.toml" not in call(sys.executable, "-m", "pip", "install", "--help").stdout:
        pytest.skip("this pip does not read pylock.toml")
    file = pylock_file(locked, tmp_path)
    call(sys.executable, "-m", "pip", "--python", target, "install", "-q", "-r", file)
    assert installed(target).items() >= EXPECTED.items()


def test_the_standards_lock_with_a_changed_file_is_refused(locked: Lock, target: Path, tmp_path: Path) -> None:
    file = pylock_file(locked, tmp_path)
    torch = next(package for package in locked.packages if package.name == "torch")
    file.write_text(file.read_text().replace(torch.hashes[0].removeprefix("sha256:"), "0" * 64))
    done = subprocess.run(
        [uv.find_uv_bin(), "pip", "sync", "--python", str(target), str(file)], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "Hash mismatch" in done.stderr


def test_uv_lock_and_sync_take_the_project(world: Index, locked: Lock, target: Path, tmp_path: Path) -> None:
    """uv resolves the project to the very versions of the lock, torch from its index alone."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(render_uv(locked))
    base = ("--project", folder, "--default-index", world.url("simple"), "--python", target, "--no-python-downloads")
    call(uv.find_uv_bin(), "lock", "-q", *base)
    rows = tomllib.loads((folder / "uv.lock").read_text())["package"]
    found = {row["name"]: row for row in rows if "virtual" not in row["source"]}
    assert {name: row["version"] for name, row in found.items()} == {p.name: str(p.version) for p in locked.packages}
    assert found["torch"]["source"] == {"registry": world.url("whl/cu126")}
    assert found["numpy"]["source"] == {"registry": world.url("simple")}
    call(uv.find_uv_bin(), "sync", "-q", "--locked", *base)
