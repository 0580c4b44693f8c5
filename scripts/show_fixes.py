#!/usr/bin/env python3
"""Break real environments in real ways, let `compatmatrix fix --apply` repair them, train in them afterwards.

    python scripts/show_fixes.py FOLDER [--after-only] [NAME ...]    all breaks, or those named; 12 GB, half an hour

Each break is made in one of three environments, which are built once and repaired again and again. Prints what was
broken, what check found, the repair, and what training says afterwards. Needs Python 3.10 to 3.12, uv and an index.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from compatmatrix.prove.environment import find_interpreter

SMI = """#!/bin/sh
case "$*" in
  *query*) echo "NVIDIA A100-SXM4-40GB, {driver}, 8.0, 40960" ;;
esac
"""


class Break(NamedTuple):
    """One way to break an environment.

    home: which environment. how: commands, "pip" stands for its installer. env: for the commands, {there} the folder.
    options: for fix. train: whether training tells anything here (not where the break is a GPU that is not there).
    """

    name: str
    home: str
    how: tuple[str, ...] = ()
    env: Mapping[str, str] = {}
    options: tuple[str, ...] = ()
    prepare: Callable[[Path, Path], None] | None = None
    train: bool = True
    apply: bool = True


def not_a_library(there: Path, environment: Path) -> None:
    """A folder with the file that the loader takes for cuBLAS."""
    (there / "bad").mkdir(exist_ok=True)
    (there / "bad" / "libcublasLt.so.11").write_text("no library at all\n")


def not_a_runtime(there: Path, environment: Path) -> None:
    """The same for libcudart, which torch's own libraries find by RPATH: nothing is broken."""
    (there / "harmless").mkdir(exist_ok=True)
    (there / "harmless" / "libcudart.so.11.0").write_text("no library at all\n")


def fake_gpu(driver: str) -> Callable[[Path, Path], None]:
    def prepare(there: Path, environment: Path) -> None:
        (there / driver).mkdir(exist_ok=True)
        (there / driver / "nvidia-smi").write_text(SMI.format(driver=driver))
        (there / driver / "nvidia-smi").chmod(0o755)

    return prepare


def second_record(there: Path, environment: Path) -> None:
    """What an interrupted update leaves: two records of one package."""
    (site,) = environment.glob("lib/python3*/site-packages")
    (record,) = site.glob("numpy-*.dist-info")
    second = site / "numpy-1.21.0.dist-info"
    shutil.copytree(record, second)
    listed = second / "RECORD"
    listed.write_text(listed.read_text().replace(record.name, second.name))


BREAKS = [
    Break("numpy 2 under torch 1.13", "old", ("pip install numpy==2.2.6",)),
    Break("torchaudio of another torch", "old", ("pip install --no-deps torchaudio==2.1.0",)),
    Break("fastcore too new", "old", ("pip install --no-deps fastcore==1.8.0",)),
    Break(
        "CUDA 12 wheel over CUDA 11",
        "old",
        ("pip install --no-deps nvidia-cudnn-cu12==8.9.2.26",),
    ),
    Break(
        "CUDA 12 wheel over CUDA 11, removed again",
        "old",
        ("pip install --no-deps nvidia-cudnn-cu12==8.9.2.26", "pip uninstall nvidia-cudnn-cu12"),
    ),
    Break("LD_LIBRARY_PATH: cublasLt", "old", env={"LD_LIBRARY_PATH": "{there}/bad"}, prepare=not_a_library),
    Break("LD_LIBRARY_PATH: cudart", "old", env={"LD_LIBRARY_PATH": "{there}/harmless"}, prepare=not_a_runtime),
    Break("two records of numpy", "old", prepare=second_record),
    Break(
        "CPU build, GPU with driver 535",
        "new",
        env={"PATH": "{there}/535.104.05:{PATH}"},
        prepare=fake_gpu("535.104.05"),
        train=False,
        apply=False,
    ),
    Break(
        "CPU build, GPU, index strict",
        "new",
        env={"PATH": "{there}/535.104.05:{PATH}"},
        options=("--index", "pytorch"),
        prepare=fake_gpu("535.104.05"),
        train=False,
    ),
    Break("mixed flavours", "new"),
    # No index has these wheels for this Python, so they are only recorded, as a copied environment would have them.
    Break("pins without wheels for Python 3.12", "ghost"),
    Break(
        "PYTHONPATH with another torch",
        "new",
        ("pip install -q --no-deps --target {there}/other torch==2.13.0+cpu",),
        env={"PYTHONPATH": "{there}/other"},
    ),
    Break("fastcore 2 and plum 2.10 under fastai 2.8.7", "new", ("pip install -q fastai==2.8.7",)),
    Break("pandas 3 under fastai 2.8.7", "new", ("pip install -q pandas==3.1.1",), options=("--strict",)),
]


def make(home: str, there: Path) -> Path:
    """The environment of that name, built where it is not there yet."""
    environment = there / home
    if environment.exists():
        return environment
    if home == "ghost":
        call(["uv", "venv", "-q", "--python", find_interpreter("3.12"), str(environment)])
        for name, version in (("torch", "1.13.1"), ("torchvision", "0.14.1"), ("fastai", "2.7.12")):
            record = environment / f"lib/python3.12/site-packages/{name}-{version}.dist-info"
            record.mkdir()
            (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            (record / "RECORD").write_text(f"{record.name}/METADATA,,\n{record.name}/RECORD,,\n")
    elif home == "old":
        python = find_interpreter("3.10")
        call(["uv", "venv", "-q", "--python", python, str(environment)])
        pins = ["fastai==2.7.12", "torch==1.13.1", "torchvision==0.14.1"]
        call(["uv", "pip", "install", "-q", "--python", str(environment), *pins, "numpy<2"])
    else:
        call([find_interpreter("3.11"), "-m", "venv", str(environment)])
        pins = ["fastai==2.8.12", "torch==2.13.0+cpu", "torchvision==0.28.0"]
        call([str(environment / "bin/python"), "-m", "pip", "install", "-q", *pins])
    return environment


def call(words: list[str], env: Mapping[str, str] | None = None) -> None:
    subprocess.run(words, check=True, env={**os.environ, **(env or {})}, stdout=subprocess.DEVNULL)


def tool(*words: str, env: Mapping[str, str]) -> tuple[int, Any, str]:
    """Exit status, JSON and stderr of one of our commands, in an environment of its own."""
    root = str(Path(__file__).resolve().parent.parent)
    code = f"import sys; sys.path.insert(0, {root!r}); from compatmatrix.cli.main import main; main(sys.argv[1:])"
    argv = [sys.executable, "-I", "-c", code, *words, "--json"]
    done = subprocess.run(argv, env={**os.environ, **env}, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout.strip() else None, done.stderr.strip()


def installer(command: str, home: str, environment: Path, there: Path) -> list[str]:
    words = shlex.split(command.replace("{there}", str(there)))
    python = str(environment / "bin/python")
    if home == "old":
        return ["uv", "pip", words[1], "-q", "--python", python, *words[2:]]
    return [python, "-m", *words]


def show(one: Break, there: Path, after_only: bool) -> None:
    environment = make(one.home, there)
    if one.prepare:
        one.prepare(there, environment)
    for command in one.how:
        call(installer(command, one.home, environment, there))
    env = {key: value.format(there=there, PATH=os.environ["PATH"]) for key, value in one.env.items()}
    target = ("--python", str(environment))
    print(f"\n== {one.name}", flush=True)
    if one.train and not after_only:
        print(f"training before: {trained(target, env)}")
    _, found, said = tool("check", *target, env=env)
    for finding in found["findings"] if found else []:
        print(f"{finding['severity']}[{finding['code']}]: {finding['message']}".replace(str(there), "…"))
    status, fixed, said = tool("fix", *target, *(["--apply"] * one.apply), *one.options, env=env)
    for line in [*fixed["notes"], *fixed["manual"], *map(shlex.join, fixed["commands"])] if fixed else [said]:
        print(f"fix: {line}".replace(str(there), "…"))
    print(f"fix: exit status {status}")
    for line in fixed["manual"] if fixed else []:
        # What only the user's own shell can do.
        name, _, value = line.removeprefix("export ").removeprefix("unset ").partition("=")
        env[name] = shlex.split(value)[0] if value else ""
    if one.train:
        status, _, _ = tool("check", *target, env=env)
        print(f"check afterwards: exit status {status}")
        print(f"training after: {trained(target, env)}")


def trained(target: tuple[str, ...], env: Mapping[str, str]) -> str:
    _, result, said = tool("smoke", *target, "--device", "cpu", env=env)
    if result is None:
        return said
    failed = [f"{probe['name']}: {probe['detail'][:90]}" for probe in result["probes"] if probe["status"] == "fail"]
    return f"{result['level']} in {result['seconds']:.0f} s" if result["passed"] else "FAILED " + "; ".join(failed[:2])


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    there = Path(sys.argv[1]).resolve()
    there.mkdir(parents=True, exist_ok=True)
    after_only = "--after-only" in sys.argv
    names = [word for word in sys.argv[2:] if word != "--after-only"]
    for one in BREAKS:
        if not names or one.name in names:
            show(one, there, after_only)


if __name__ == "__main__":
    main()
