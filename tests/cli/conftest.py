"""The command line in this process, and environments that are only folders."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from compatmatrix.cli.main import run


class Answer(NamedTuple):
    """What a command gave."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Ask = Callable[..., Answer]
MakeVenv = Callable[..., Path]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run a command in this process: ask("lock", "--core")."""

    def call(*argv: str | Path) -> Answer:
        capsys.readouterr()
        status = run([str(word) for word in argv])
        return Answer(status, *capsys.readouterr())

    return call


@pytest.fixture
def venv(tmp_path: Path) -> MakeVenv:
    """Make a virtual environment's folder: venv("numpy==2.2.6", torch="1.13.1+cu117") installs nothing."""

    def make(*pins: str, python: str = "3.10.14", installer: str = "pip", **version_py: str) -> Path:
        root = tmp_path / f"venv {len(list(tmp_path.iterdir()))}"
        site = root / f"lib/python{python.rpartition('.')[0]}/site-packages"
        site.mkdir(parents=True)
        (root / "bin").mkdir()
        (root / "bin/python").symlink_to(sys.executable)
        uv = "uv = 0.5.0\n" if installer == "uv" else ""
        (root / "pyvenv.cfg").write_text(f"home = /opt/python/bin\nversion = {python}\n{uv}")
        for pin in pins:
            name, _, version = pin.partition("==")
            folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
            folder.mkdir()
            (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        for name, version in version_py.items():
            (site / name).mkdir()
            (site / name / "version.py").write_text(f"__version__ = '{version}'\n")
            (site / name / "__init__.py").write_text("raise RuntimeError('the code of an environment must not run')\n")
        return root

    return make


@pytest.fixture
def server() -> list[str]:
    """Options that name a host completely, but for its GPUs."""
    return ["--platform", "linux-x86_64", "--python-version", "3.11", "--glibc", "2.35"]


@pytest.fixture
def private_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No index setting and no cache of the machine that runs the tests, in us or in the programs we start."""
    import os

    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "uv-cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "config"))
