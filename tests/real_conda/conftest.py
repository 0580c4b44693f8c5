"""A real conda, and channels on this machine for it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from compatmatrix.cli.main import run
from compatmatrix.matrix import Matrix

from .channels import NAMES, write_channels
from .packages import packages


class Conda(NamedTuple):
    """A conda, mamba or micromamba, and the folder with its channels, packages and environments."""

    program: Path
    home: Path

    def __call__(self, *words: str) -> str:
        done = subprocess.run([self.program, *words], text=True, capture_output=True, timeout=300)
        assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def create(self, name: str, channels: str, *specs: str) -> Path:
        """A new environment. channels: in order, with blanks between them."""
        named = [word for channel in channels.split() for word in ("-c", channel)]
        self("create", "--yes", "--prefix", str(self.home / name), *named, *specs)
        return self.home / name


@pytest.fixture(scope="session")
def conda_home(tmp_path_factory: pytest.TempPathFactory, matrix: Matrix) -> Path:
    """The channels and the configuration that leads to them, written once."""
    if not os.environ.get("COMPATMATRIX_CONDA"):
        pytest.skip("COMPATMATRIX_CONDA does not name a conda, mamba or micromamba")
    home = tmp_path_factory.mktemp("conda")
    write_channels(home / "channels", packages(matrix))
    alias = (home / "channels").as_uri()
    lines = [
        f"channel_alias: {alias}",
        f"default_channels: ['{alias}/main']",
        f"custom_channels: {json.dumps(dict.fromkeys(NAMES, alias))}",
        "channels: [defaults]",
        f"pkgs_dirs: ['{home / 'pkgs'}']",
        f"envs_dirs: ['{home / 'envs'}']",
        "notify_outdated_conda: false",
        "auto_update_conda: false",
        "safety_checks: disabled",
    ]
    (home / "condarc").write_text("\n".join(lines) + "\n")
    return home


@pytest.fixture
def conda(conda_home: Path, monkeypatch: pytest.MonkeyPatch) -> Conda:
    """The conda that COMPATMATRIX_CONDA names, first on PATH; its solver is the one that it is configured for."""
    program = Path(os.environ["COMPATMATRIX_CONDA"]).absolute()
    for name in ("CONDA_EXE", "MAMBA_EXE", "CONDA_PREFIX", "PYTHONPATH", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CONDARC", str(conda_home / "condarc"))
    monkeypatch.setenv("PYTHONNOUSERSITE", "1")
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "13.0")
    return Conda(program, conda_home)


Answer = tuple[int, str, str]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Run a command in this process."""

    def call(*argv: str | Path) -> Answer:
        capsys.readouterr()
        status = run([str(word) for word in argv])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call
