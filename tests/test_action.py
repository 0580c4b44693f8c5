"""action.yml, and the script behind it, in a real repository with a real change."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "compatmatrix"
    path.write_text(f"#!/bin/sh\nPYTHONPATH='{ROOT}' exec '{sys.executable}' -m compatmatrix \"$@\"\n")
    path.chmod(0o755)
    return path


def check_change(project: Path, program: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    defaults = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    given = {"FILES": defaults["files"]["default"], "HOST": defaults["host"]["default"], "PROGRAM": str(program)}
    return subprocess.run(
        ["bash", str(ROOT / "scripts/check_change")],
        cwd=project,
        env={**os.environ, **given, "WORK": str(program.parent / "base"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_action_runs_the_script_with_all_its_inputs() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert action["runs"]["using"] == "composite"
    steps = action["runs"]["steps"]
    assert all(step["shell"] == "bash" for step in steps)
    used = {value for value in steps[1]["env"].values() if "inputs." in value}
    assert used == {f"${{{{ inputs.{name} }}}}" for name in action["inputs"]}
    assert (ROOT / "scripts/check_change").stat().st_mode & 0o100


def test_a_pull_request_of_a_bot(tmp_path: Path, program: Path) -> None:
    project = tmp_path / "project"
    (project / "a b").mkdir(parents=True)
    git(project, "init", "-q")
    (project / "requirements.txt").write_text("torch==2.8.0\n")
    (project / "a b/requirements.txt").write_text("torch==2.8.0\ntorchvision==0.23.0\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "before")
    base = git(project, "rev-parse", "HEAD")
    assert check_change(project, program, BASE=base).stdout == ""
    (project / "requirements.txt").write_text("torch==2.13.0\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "bump")
    done = check_change(project, program, BASE=base)
    assert done.returncode == 0, done.stderr
    assert "::warning file=requirements.txt,line=1,title=compatmatrix%3A driver-floor-raised::" in done.stdout
    assert check_change(project, program, BASE="").stdout == ""
    (project / "a b/requirements.txt").write_text("torch==2.9.0\ntorchvision==0.23.0\n")
    git(project, "add", "-A")
    sarif = tmp_path / "out.sarif"
    done = check_change(project, program, BASE=base, SARIF=str(sarif), HOST='--gpu "RTX 4090" --driver 580.65.06')
    assert done.returncode == 1
    assert "::error file=a b/requirements.txt,line=2,title=compatmatrix%3A torchvision-mismatch::" in done.stdout
    assert '"torchvision-mismatch"' in sarif.read_text()
