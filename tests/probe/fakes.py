"""Fakes that are real: small programs on PATH, environments laid out on disk."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from compatmatrix.model.cuda import Capability

SAMPLES = Path(__file__).parents[1] / "data" / "nvidia_smi"

NAMES = {
    "GeForce GTX 780": "3.5",
    "Tesla K80": "3.7",
    "NVIDIA GeForce GTX 1080 Ti": "6.1",
    "Quadro P2000": "6.1",
    "A100-SXM4-40GB": "8.0",
    "NVIDIA GeForce RTX 3090": "8.6",
    "NVIDIA GeForce RTX 4090": "8.9",
    "NVIDIA H100 80GB HBM3": "9.0",
}


def capability_of(name: str) -> Capability | None:
    """A stand-in for the matrix: a handful of names."""
    return Capability.parse(NAMES[name]) if name in NAMES else None


def python_of(minor: str) -> str | None:
    """An interpreter of this minor version, if the machine has one: on PATH or below a version manager's root."""
    root = os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv"))
    found = sorted(Path(root).glob(f"versions/{minor}.*/bin/python3"))
    if found:
        return str(found[-1])
    path = shutil.which(f"python{minor}")
    # A version manager's shim may be on PATH for a version that it cannot run.
    return path if path and "shims" not in path else None


class Smi:
    """A fake nvidia-smi: a shell script that answers by its arguments and counts its calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "nvidia-smi"
        self.log = folder / "calls"

    def answers(
        self,
        query: str | None = None,
        old: str | None = None,
        xml: str | None = None,
        *,
        status: int = 0,
        stderr: str = "",
    ) -> Smi:
        """Answer each kind of question with the named sample; None says that the field or option is unknown."""
        cases = (("*compute_cap*", query), ("--query-gpu*", old), ("-q*", xml))
        lines = []
        for pattern, sample in cases:
            end = status if sample else 2
            file = SAMPLES / (sample or ("error_field.txt" if pattern != "-q*" else "error_option.txt"))
            lines.append(f'  {pattern}) cat "{file}"; echo "{stderr}" >&2; exit {end};;')
        body = "\n".join(lines)
        return self.script(f'echo "$1" >> "{self.log}"\ncase "$1" in\n{body}\nesac\n')

    def script(self, body: str) -> Smi:
        return self.content(f"#!/bin/sh\n{body}".encode())

    def content(self, body: bytes) -> Smi:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(body)
        self.path.chmod(0o755)
        return self

    @property
    def calls(self) -> int:
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


def make_venv(folder: Path, version: str = "3.11.7", *, extra: str = "", link: str | None = None) -> Path:
    """A virtual environment as venv lays it out, without running anything; its python is a link (default: ours)."""
    minor = ".".join(version.split(".")[:2])
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/python").symlink_to(link or sys.executable)
    (folder / f"lib/python{minor}/site-packages").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text(
        f"home = /opt/python/bin\ninclude-system-site-packages = false\nversion = {version}\n{extra}"
    )
    return folder
