#!/usr/bin/env python3
"""Break real environments in real ways, let `compatmatrix fix --apply` repair them, train in them afterwards.

    python scripts/show_fixes.py FOLDER [--all] [--after-only] [NAME ...]    ten breaks, all, or those named; 20 GB

Each break is made in one of three environments, which are built once and repaired again and again. Prints what training
says before, what check found, the repair, what training says afterwards, and all of it as a table. Needs Python 3.10 to
3.12, uv, pip and an index. Where only `nvidia-smi` is faked, training is on the CPU all the same.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
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
    options: for fix. witness: an import that shows the break, where training does not touch it.
    """

    name: str
    home: str
    how: tuple[str, ...] = ()
    env: Mapping[str, str] = {}
    options: tuple[str, ...] = ()
    prepare: Callable[[Path, Path], None] | None = None
    witness: str = ""


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


def half_updated(there: Path, environment: Path) -> None:
    """What an update leaves that was interrupted between pillow's modules and its compiled parts."""
    (site,) = environment.glob("lib/python3*/site-packages")
    call(["uv", "pip", "install", "-q", "--python", str(environment), "pillow==10.4.0"])
    wheels = there / "wheels"
    words = ["-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "--python-version", "3.10"]
    call([sys.executable, *words, "-d", str(wheels), "pillow==9.5.0"])
    (wheel,) = wheels.glob("[Pp]illow-9.5.0-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith(".py") or (".dist-info/" in name and not name.endswith("/")):
                (site / name).unlink(missing_ok=True)
                archive.extract(name, site)


# The ten of the project's promise, then others of their kind.
BREAKS = [
    Break("mixed flavours: torch +cpu, torchvision from PyPI", "new"),
    Break("numpy 2 under torch 1.13", "old", ("pip install numpy==2.2.6",)),
    Break(
        "torchaudio of another torch",
        "old",
        ("pip install --no-deps torchaudio==2.1.0",),
        witness="import torchaudio",
    ),
    Break(
        "two torches: another one on PYTHONPATH",
        "new",
        ("pip install -q --no-deps --target {there}/other torch==2.12.0",),
        env={"PYTHONPATH": "{there}/other"},
        witness="import torchvision",
    ),
    Break("cu11 and cu12 wheels together", "old", ("pip install --no-deps nvidia-cudnn-cu12==8.9.2.26",)),
    Break("LD_LIBRARY_PATH before the wheels", "old", env={"LD_LIBRARY_PATH": "{there}/bad"}, prepare=not_a_library),
    Break("fastcore too new", "old", ("pip install --no-deps fastcore==1.8.0",)),
    Break("pillow half updated", "old", prepare=half_updated),
    Break(
        "CPU build on a GPU (nvidia-smi is faked)",
        "new",
        ("pip install -q --no-deps torch==2.13.0+cpu",),
        env={"PATH": "{there}/580.65.06:{PATH}"},
        prepare=fake_gpu("580.65.06"),
    ),
    Break("wrong Python: an environment of 3.10 under 3.12", "moved"),
    Break("other records: two of numpy", "old", prepare=second_record),
    Break(
        "CUDA 12 wheel over CUDA 11, removed again",
        "old",
        ("pip install --no-deps nvidia-cudnn-cu12==8.9.2.26", "pip uninstall nvidia-cudnn-cu12"),
    ),
    Break("LD_LIBRARY_PATH: cudart, which does no harm", "old", env={"LD_LIBRARY_PATH": "{there}/harmless"},
          prepare=not_a_runtime),
    Break("fastcore 2 and plum 2.10 under fastai 2.8.7", "new", ("pip install -q fastai==2.8.7",)),
    Break("pandas 3 under fastai 2.8.7", "new", ("pip install -q pandas==3.1.1",), options=("--strict",)),
]  # fmt: skip
TEN = 10


def make(home: str, there: Path) -> Path:
    """The environment of that name, built where it is not there yet."""
    environment = there / home
    if environment.exists():
        return environment
    if home == "moved":
        # What is left when lib/python3.10 is taken along to another Python.
        old = make("old", there)
        call(["uv", "venv", "-q", "--python", find_interpreter("3.12"), str(environment)])
        target = environment / "lib/python3.12/site-packages"
        shutil.copytree(old / "lib/python3.10/site-packages", target, dirs_exist_ok=True, copy_function=os.link)
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


def show(one: Break, there: Path, after_only: bool) -> str:
    """Break, check, repair, train; the row of the table."""
    environment = make(one.home, there)
    if one.prepare:
        one.prepare(there, environment)
    for command in one.how:
        call(installer(command, one.home, environment, there))
    env = {key: value.format(there=there, PATH=os.environ["PATH"]) for key, value in one.env.items()}
    target = ("--python", str(environment))
    print(f"\n== {one.name}", flush=True)
    before = "not asked" if after_only else seen(one, environment, target, env)
    print(f"training before: {before}", flush=True)
    _, found, said = tool("check", *target, env=env)
    for finding in found["findings"] if found else []:
        print(f"{finding['severity']}[{finding['code']}]: {finding['message']}".replace(str(there), "…"))
    status, fixed, said = tool("fix", *target, "--apply", *one.options, env=env)
    steps = [*fixed["notes"], *fixed["manual"], *map(shlex.join, fixed["commands"])] if fixed else [said]
    for line in steps:
        print(f"fix: {line}".replace(str(there), "…"))
    print(f"fix: exit status {status}", flush=True)
    for line in fixed["manual"] if fixed else []:
        # What only the user's own shell can do.
        name, _, value = line.removeprefix("export ").removeprefix("unset ").partition("=")
        env[name] = shlex.split(value)[0] if value else ""
    status, _, _ = tool("check", *target, env=env)
    after = seen(one, environment, target, env)
    print(f"check afterwards: exit status {status}")
    print(f"training after: {after}", flush=True)
    codes = dict.fromkeys(row["code"] for row in found["findings"] if row["severity"] != "unknown") if found else {}
    changes = [f"{row['name']} {row['from']} to {_target(row)}" for row in fixed["changes"]] if fixed else []
    changes += [f"`{line}`" for line in fixed["manual"]] if fixed else []
    cells = (one.name, ", ".join(codes) or "nothing", "; ".join(changes) or "installed anew", before, after)
    return "| " + " | ".join(cell.replace(str(there), "…").replace("|", "/") for cell in cells) + " |"


def _target(row: Mapping[str, Any]) -> str:
    return str(row["requirement"]).removeprefix(row["name"]).removeprefix("==")


def seen(one: Break, environment: Path, target: tuple[str, ...], env: Mapping[str, str]) -> str:
    """What training says, and before it the import that the break is about."""
    said = trained(target, env)
    if not one.witness:
        return said
    argv = [str(environment / "bin/python"), "-c", one.witness]
    done = subprocess.run(argv, env={**os.environ, **env}, capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1:] if done.returncode else []
    return f"`{one.witness}`: {last[0][:110] if last else 'fine'}; {said}"


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
    names = [word for word in sys.argv[2:] if not word.startswith("--")]
    chosen = BREAKS if "--all" in sys.argv else BREAKS[:TEN]
    rows = []
    for one in [one for one in BREAKS if one.name in names] or chosen:
        rows.append(show(one, there, after_only))
    print("\n| broken | found | repaired by | training before | training after |\n|---|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
