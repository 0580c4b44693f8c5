"""A Slurm batch script that installs the lock on the node and runs the smoke there, without a container."""

from __future__ import annotations

from compatmatrix.emit import container, requirements
from compatmatrix.emit.container import heredoc
from compatmatrix.emit.format import Format
from compatmatrix.emit.header import comment
from compatmatrix.emit.python import python_minor
from compatmatrix.model.lock import Lock

NAME = "smoke.sbatch"


def render(lock: Lock) -> str:
    """Self-contained: it holds the lock and the test. The environment lies in the node's temporary folder.

    Clusters know Python by module or by name: PYTHON=… in the environment names another one.
    """
    decision = lock.decision
    cuda = container.wants_gpu(decision)
    minor = python_minor(decision)
    lines = [
        "#!/bin/bash",
        *comment(decision),
        f"# sbatch {NAME}; with another Python: sbatch --export=ALL,PYTHON=/path/to/python {NAME}",
        "#SBATCH --job-name=compatmatrix-smoke",
        "#SBATCH --nodes=1",
        "#SBATCH --ntasks=1",
        "#SBATCH --cpus-per-task=4",
        "#SBATCH --mem=16G",
        "#SBATCH --time=01:00:00",
        *(["#SBATCH --gres=gpu:1"] if cuda else []),
        "#SBATCH --output=compatmatrix-smoke-%j.log",
        "",
        "set -euo pipefail",
        "",
        f'python="${{PYTHON:-python{minor}}}"',
        'folder="$(mktemp -d "${SLURM_TMPDIR:-${TMPDIR:-/tmp}}/compatmatrix.XXXXXX")"',
        "trap 'rm -rf \"$folder\"' EXIT",
        "",
        "cat > \"$folder/requirements.txt\" <<'LOCK'",
        *heredoc(requirements.render(lock), "LOCK"),
    ]
    for name in container.SCRIPTS:
        lines += ["", f"cat > \"$folder/{name}\" <<'SCRIPT'", *heredoc(container.script(name), "SCRIPT")]
    device = "cuda" if cuda else "cpu"
    lines += [
        "",
        '"$python" -m venv "$folder/venv"',
        '"$folder/venv/bin/python" -m pip install --quiet --require-hashes -r "$folder/requirements.txt"',
        *(["nvidia-smi --query-gpu=name,driver_version --format=csv,noheader || true"] if cuda else []),
        f'"$folder/venv/bin/python" "$folder/run_smoke.py" {device}',
    ]
    return "\n".join(lines) + "\n"


FORMAT = Format("slurm", NAME, render)
