"""The formats that run the smoke elsewhere: compose, a Kubernetes Job, a Slurm script."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from compatmatrix.emit.compose import render as render_compose
from compatmatrix.emit.container import image_name
from compatmatrix.emit.k8s_job import render as render_job
from compatmatrix.emit.slurm import render as render_slurm
from compatmatrix.model.fact import Fact
from compatmatrix.model.lock import Lock

SHELLCHECK = shutil.which("shellcheck") or shutil.which("shellcheck", path=Path(sys.executable).parent)


def without_gpu(lock: Lock) -> Lock:
    host = replace(lock.decision.host, gpus=Fact.of((), "given"))
    return replace(lock, decision=replace(lock.decision, host=host))


def test_compose_asks_for_the_gpu(cuda_lock: Lock, cpu_lock: Lock) -> None:
    service = yaml.safe_load(render_compose(cuda_lock))["services"]["smoke"]
    assert service["image"] == image_name(cuda_lock)
    assert service["command"][-1] == "cuda"
    assert service["deploy"]["resources"]["reservations"]["devices"][0]["capabilities"] == ["gpu"]
    service = yaml.safe_load(render_compose(cpu_lock))["services"]["smoke"]
    assert service["command"][-1] == "cpu"
    assert "deploy" not in service


def job(lock: Lock) -> Any:
    return yaml.safe_load(render_job(lock))


def test_job_is_what_kubernetes_knows(named_lock: tuple[str, Lock]) -> None:
    validate = pytest.importorskip("kubernetes_validate")
    validate.validate(job(named_lock[1]), validate.latest_version(), strict=True)


def test_job_takes_one_gpu_and_no_rights(cuda_lock: Lock) -> None:
    pod = job(cuda_lock)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["resources"]["limits"] == {"nvidia.com/gpu": 1}
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", job(cuda_lock)["metadata"]["name"])
    assert "resources" not in job(without_gpu(cuda_lock))["spec"]["template"]["spec"]["containers"][0]


def test_the_name_changes_with_the_lock_alone(cuda_lock: Lock) -> None:
    other = replace(cuda_lock, decision=replace(cuda_lock.decision, notes=("another note",)))
    assert image_name(other) == image_name(cuda_lock)
    assert image_name(Lock(cuda_lock.decision, cuda_lock.packages[1:])) != image_name(cuda_lock)


def test_slurm_script_is_sound(named_lock: tuple[str, Lock], tmp_path: Path) -> None:
    file = tmp_path / "smoke.sbatch"
    file.write_text(render_slurm(named_lock[1]))
    subprocess.run(["bash", "-n", str(file)], check=True)
    if SHELLCHECK:
        found = subprocess.run([SHELLCHECK, "--shell=bash", str(file)], capture_output=True, text=True)
        assert (found.returncode, found.stdout) == (0, "")


def test_slurm_options_stand_before_the_first_command(cuda_lock: Lock, cpu_lock: Lock) -> None:
    text = render_slurm(cuda_lock)
    options = [line for line in text.splitlines() if line.startswith("#SBATCH")]
    assert "#SBATCH --gres=gpu:1" in options
    assert text.rindex("#SBATCH") < text.index("set -euo")
    assert "--gres" not in render_slurm(cpu_lock)
    assert text.endswith('run_smoke.py" cuda\n')


@pytest.mark.slow
def test_slurm_script_installs_and_judges(cpu_lock: Lock, tmp_path: Path) -> None:
    """Run for real with a Python that has no network: the failure of the install is the status of the job."""
    file = tmp_path / "smoke.sbatch"
    file.write_text(render_slurm(cpu_lock))
    env = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable, "TMPDIR": str(tmp_path), "PIP_NO_INDEX": "1"}
    done = subprocess.run(["bash", str(file)], capture_output=True, text=True, env=env, timeout=120)
    assert done.returncode != 0
    assert "torch" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["smoke.sbatch"]
