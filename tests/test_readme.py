"""The console examples of README.md and docs/: those that need nothing but this package are run and compared."""

from __future__ import annotations

import io
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest
import uv
from console_blocks import Example, agree, examples

from compatmatrix.cli.main import run

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = [example for file in DOCUMENTS for example in examples(file)]

HERE = ("--platform", "linux-x86_64", "--glibc", "2.36", "--no-gpu")
"""The machine that the README was written on."""

ENVIRONMENT_YML = """\
name: course
channels: [pytorch, nvidia, conda-forge]
dependencies:
  - python=3.11
  - pytorch=2.5.1
  - pytorch-cuda=12.4
  - pip
  - pip:
    - torchvision==0.19.1
    - fastai==2.7.12
"""

ISSUE = """\
I get this as soon as a pretrained model is loaded, on a fresh machine:

```
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    from fastai.vision.all import *
  …
    raise
RuntimeError: operator torchvision::nms does not exist
Name: torch
Version: 2.6.0
Summary: Tensors and Dynamic neural networks in Python
---
Name: torchvision
Version: 0.23.0
"""


def guides_pins(folder: Path) -> None:
    """What uv makes of the old guides' pins on a Python 3.10, as far as anybody looks at it."""
    site = folder / ".venv/lib/python3.10/site-packages"
    site.mkdir(parents=True)
    (folder / ".venv/bin").mkdir()
    (folder / ".venv/bin/python").symlink_to(sys.executable)
    (folder / ".venv/pyvenv.cfg").write_text("home = /opt/python3.10/bin\nversion_info = 3.10.13\nuv = 0.13.9\n")
    pins = "fastai 2.7.12, torch 1.13.1, torchvision 0.14.1, fastcore 1.5.55, numpy 2.2.6, pillow 12.3.0, pandas 2.3.3"
    for pin in pins.split(", "):
        name, version = pin.split()
        info = site / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "INSTALLER").write_text("uv\n")
        if name in ("fastai", "torch", "torchvision"):
            (info / "REQUESTED").write_text("")
    for name, version in (("torch", "1.13.1+cu117"), ("torchvision", "0.14.1+cu117")):
        (site / name).mkdir()
        (site / name / "version.py").write_text(f"__version__ = '{version}'\n")


def locked(folder: Path) -> None:
    """The lock of the README, from the proofs that are shipped."""
    where = ("--no-gpu", "--index", "pypi", "--python-version", "3.12", *HERE)
    assert run(["lock", "--offline", *where, "-o", str(folder / "requirements.txt")]) == 0


def bumped(folder: Path) -> None:
    (folder / "old").mkdir()
    (folder / "old/requirements.txt").write_text("fastai==2.8.4\ntorch==2.8.0\n")
    (folder / "requirements.txt").write_text("fastai==2.8.12\ntorch==2.13.0\n")


def written(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: folder.joinpath(name).write_text(text) and None


class Setup(NamedTuple):
    """prepare: the folder that the command runs in. more: options that stand for the machine of the README."""

    prepare: Callable[[Path], None] = lambda folder: None
    more: tuple[str, ...] = ()


SETUPS = {
    "compatmatrix check": Setup(guides_pins, HERE),
    "compatmatrix check environment.yml": Setup(written("environment.yml", ENVIRONMENT_YML)),
    "compatmatrix check --report issue.txt": Setup(written("issue.txt", ISSUE)),
    "compatmatrix lock --check requirements.txt": Setup(locked, ("--offline",)),
    "compatmatrix lock --gpu": Setup(more=HERE[:-1]),
    "compatmatrix explain": Setup(more=HERE[:-1]),
    "compatmatrix check requirements.txt --diff-base": Setup(bumped),
    "compatmatrix matrix show": Setup(),
}
"""By the beginning of a command, the longest that fits."""

ELSEWHERE = {
    "python3 scripts/": "makes environments: scripts/test is what runs this",
    "uv ": "installs torch",
    "python -m pip install": "installs torch",
    "time ": "measured by hand on an environment with torch",
    "compatmatrix fix --apply": "installs torch: tests/cli/test_fix.py, scripts/show_fixes.py",
    "compatmatrix lock > requirements.txt": "the host is this machine: tests/cli/test_lock_formats.py",
    "compatmatrix dockerfile": "tests/test_reference.py",
    "compatmatrix inspect": "shows this machine: tests/cli/test_inspect.py",
    "compatmatrix smoke": "trains: tests/prove/test_payload.py",
    "compatmatrix prove": "installs and trains: tests/prove",
}


def setup_of(command: str) -> Setup | None:
    fitting = [start for start in SETUPS if command == start or command.startswith(f"{start} ")]
    return SETUPS[max(fitting, key=len)] if fitting else None


def is_elsewhere(command: str) -> bool:
    return any(command.startswith(start) for start in ELSEWHERE)


def test_every_example_is_run_or_accounted_for() -> None:
    assert EXAMPLES
    lost = [f"{e.file.name}:{e.line}: {e.command}" for e in EXAMPLES if is_elsewhere(e.command) is bool(runs(e))]
    assert lost == [], "let SETUPS run it, or ELSEWHERE say why not"


def runs(example: Example) -> bool:
    # "check" alone is the installed environment; "lock > file" would be shown a host that is here.
    return not is_elsewhere(example.command) and setup_of(example.command) is not None


@pytest.mark.parametrize(
    "example", [e for e in EXAMPLES if runs(e)], ids=lambda example: f"{example.file.name}:{example.line}"
)
def test_the_output_is_as_shown(example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = setup_of(example.command)
    assert setup
    if Path("/proc/driver/nvidia").exists() and example.command == "compatmatrix check environment.yml":
        pytest.skip("says what it needs only where no GPU is known")
    monkeypatch.chdir(tmp_path)
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    setup.prepare(tmp_path)
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        run([*shlex.split(example.command)[1:], *setup.more])
    text = said.getvalue().replace(f"{tmp_path}/", "")
    if HERE[0] in setup.more:
        # What the README's machine detected is given here.
        text = text.replace("(given)", "(given and detected)")
    shown = "\n".join(example.shown)
    assert agree(example.shown, text), f"shown:\n{shown}\n\nsaid:\n{text}"


@pytest.mark.network
def test_the_full_lock_installs_by_its_hashes(tmp_path: Path) -> None:
    """The README's first lock, for this Python, from the index that this machine is set up for."""
    target = tmp_path / "requirements.txt"
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert run(["lock", "--fresh", "--index", "pypi", "--python-version", python, *HERE, "-o", str(target)]) == 0
    assert run(["check", str(target), "--python-version", python, *HERE]) == 0
    command = [uv.find_uv_bin(), "pip", "install", "--dry-run", "--python", sys.executable, "--require-hashes"]
    done = subprocess.run([*command, "-r", str(target)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "torch==" in done.stderr
