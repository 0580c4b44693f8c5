#!/usr/bin/env python3
"""Whole-process times of compatmatrix beside other tools, in one run, as medians and ratios.

    python scripts/bench/bench.py [--rounds 9] [--packages 200] [--torch-python PATH]

Makes an environment of that many (empty) packages around a torch, and times, in turn: a bare Python; `import click,
packaging.requirements`, the yardstick of the budgets; `compatmatrix check`, `lock --core`, `explain`, and `check FILE`
as the pre-commit hook runs it; `pip check`, `uv pip check`; and `python -m torch.utils.collect_env` in the interpreter
named with --torch-python. Run it with the Python that compatmatrix is installed in, on an idle machine.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PINS = {"torch": "2.2.2", "torchvision": "0.17.2", "fastai": "2.7.19", "numpy": "1.26.4", "fastcore": "1.7.29"}


def make_environment(folder: Path, packages: int) -> Path:
    """A virtual environment without pip that holds a stack's metadata and as many more distributions as asked."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    site = next(folder.glob("lib/python*/site-packages"))
    names = dict(PINS) | {f"package-{number}": "1.0" for number in range(packages - len(PINS))}
    for name, version in names.items():
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "INSTALLER").write_text("pip\n")
        (info / "RECORD").write_text("")
    for name, local in (("torch", "+cu121"), ("torchvision", "+cu121")):
        (site / name).mkdir()
        (site / name / "version.py").write_text(f"__version__ = '{PINS[name]}{local}'\ncuda = '12.1'\n")
    return folder / "bin" / "python"


def timed(command: list[str], cwd: Path) -> float:
    """Seconds of one run of a whole process. Ends the bench where the command did not answer yes or no."""
    started = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, capture_output=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode not in (0, 1) or b"Traceback" in done.stderr:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr.decode(errors='replace')}")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--packages", type=int, default=200)
    parser.add_argument("--torch-python", help="an interpreter with torch, for torch.utils.collect_env")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        target = make_environment(folder / "env", options.packages)
        manifest = folder / "requirements.txt"
        manifest.write_text("".join(f"{package}=={version}\n" for package, version in PINS.items()))
        commands = all_commands(target, manifest, options.torch_python)
        times: dict[str, list[float]] = {label: [] for label in commands}
        for number in range(options.rounds + 1):
            for label, command in commands.items():
                seconds = timed(command, folder)
                if number:
                    times[label].append(seconds)
        report({label: statistics.median(found) for label, found in times.items()}, options)


def all_commands(target: Path, manifest: Path, torch_python: str | None) -> dict[str, list[str]]:
    """What is timed, by label. Ours run as the installed script does, without -m's search."""
    ours = [sys.executable, "-c", "from compatmatrix.cli.main import main; main()"]
    host = ["--gpu", "A100", "--driver", "535.104.05", "--platform", "linux-x86_64", "--python-version", "3.12"]
    uv = str(Path(sys.executable).parent / "uv")
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import click, packaging.requirements": [sys.executable, "-c", "import click, packaging.requirements"],
        "compatmatrix check": [*ours, "check", "--python", str(target)],
        "compatmatrix lock --core": [*ours, "lock", "--core", *host],
        "compatmatrix explain": [*ours, "explain", *host],
        "compatmatrix check FILE": [*ours, "check", "--no-gpu", "--offline", str(manifest)],
        "pip check": [sys.executable, "-m", "pip", "--python", str(target), "check"],
        "uv pip check": [uv, "pip", "check", "--python", str(target)],
    }
    if torch_python:
        commands["torch.utils.collect_env"] = [torch_python, "-m", "torch.utils.collect_env"]
    return commands


def report(medians: dict[str, float], options: argparse.Namespace) -> None:
    """Print medians, and ratios to the yardstick and to our check."""
    yardstick = medians["import click, packaging.requirements"]
    check = medians["compatmatrix check"]
    ratio: Callable[[float], str] = "{:.2f}".format
    print(f"{options.packages} packages, median of {options.rounds} rounds")
    print(f"{'command':40} {'ms':>8} {'x yardstick':>12} {'x check':>9}")
    for label, seconds in medians.items():
        print(f"{label:40} {seconds * 1000:8.1f} {ratio(seconds / yardstick):>12} {ratio(seconds / check):>9}")


if __name__ == "__main__":
    main()
