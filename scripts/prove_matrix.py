#!/usr/bin/env python3
"""Lock, install, train and record stack after stack; resumable.

    python scripts/prove_matrix.py [--renew] [--work DIR] [--only TEXT] [--timeout SECONDS] [STACK ...]

A STACK is "3.12 fastai==2.8.12 torch==2.15.0": a Python, then requirements. Without any, those of scripts/stacks.txt
are taken. A stack whose Python and versions stand in data/proofs/index.json already is passed over, so a run that was
stopped goes on where it was; with --renew only where the smoke scripts have not changed since. Each proven stack leaves
data/proofs/NAME/ with proof.json and requirements.txt, and a row in the index; a stack that fails leaves its reasons in
WORK/failed.txt and an older proof as it was. Environments are removed after each stack, the large wheels in the
installer's cache after each torch release: a torch with its CUDA libraries is 6 GB.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from compatmatrix.atomic import write_atomically
from compatmatrix.emit.digest import lock_digest
from compatmatrix.model.host import Host, host_from_dict
from compatmatrix.model.proof import ProofLevel
from compatmatrix.process import uv_program
from compatmatrix.prove.environment import find_interpreter
from compatmatrix.prove.record import read_record
from compatmatrix.prove.smoke import PAYLOAD
from compatmatrix.resolve.proven import ProofRow, file_row, load_rows

TOP = Path(__file__).resolve().parent.parent
PROOFS = TOP / "data" / "proofs"
CORE = ("fastai", "torch", "torchvision")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("stacks", nargs="*", metavar="STACK")
    parser.add_argument("--work", type=Path, default=TOP / "proof" / "matrix", help="scratch folder")
    parser.add_argument("--only", default="", help="only stacks that contain this text")
    parser.add_argument("--renew", action="store_true", help="make proofs of older smoke scripts again")
    parser.add_argument("--timeout", type=float, default=900.0, help="seconds of training per stack")
    options = parser.parse_args()
    stacks = [stack for stack in options.stacks or listed() if options.only in stack]
    options.work.mkdir(parents=True, exist_ok=True)
    done = failed = skipped = 0
    previous_torch = ""
    for number, stack in enumerate(stacks, start=1):
        if known(stack, renew=options.renew):
            skipped += 1
            continue
        torch = next((word for word in stack.split() if word.startswith("torch==")), "")
        if previous_torch and torch != previous_torch:
            clean_cache(options.work / "stack" / "requirements.txt")
        previous_torch = torch
        print(f"[{number}/{len(stacks)}] {stack}", file=sys.stderr, flush=True)
        started = time.monotonic()
        problem = prove(stack, options.work, options.timeout)
        took = f"{time.monotonic() - started:.0f} s"
        if problem:
            failed += 1
            with (options.work / "failed.txt").open("a", encoding="utf-8") as file:
                file.write(f"{stack}\n{problem.rstrip()}\n\n")
            print(f"    failed, {took}: {problem.strip().splitlines()[-1]}", file=sys.stderr, flush=True)
        else:
            done += 1
            print(f"    proven, {took}", file=sys.stderr, flush=True)
    rows = load_index()
    print(f"{done} proven, {failed} failed, {skipped} known before; {len(rows)} in all, ", end="", file=sys.stderr)
    print(f"{sum(map(of_these_scripts, rows))} of them by the smoke scripts as they are now", file=sys.stderr)
    return 1 if failed else 0


def listed() -> list[str]:
    """The stacks of stacks.txt, comments and blank lines aside."""
    lines = (TOP / "scripts" / "stacks.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def load_index() -> list[ProofRow]:
    load_rows.cache_clear()
    return list(load_rows(PROOFS))


def known(stack: str, *, renew: bool = False) -> bool:
    """Whether the index has a proof of this Python and these pins. renew: one of the smoke scripts as they are now."""
    python, *pins = stack.split()
    return any(
        row.python == python
        and all(f"{name}=={row.stack.get(name)}" in pins for name in named(pins))
        and (not renew or of_these_scripts(row))
        for row in load_index()
    )


def of_these_scripts(row: ProofRow) -> bool:
    """Whether the record of a proof names the very smoke scripts that lie here."""
    record = read_record(PROOFS / row.record / "proof.json")
    return {PAYLOAD.name: record.payload_digest, **dict(record.payload_parts)} == smoke_scripts()


@lru_cache(maxsize=1)
def smoke_scripts() -> dict[str, str]:
    """Names and digests of the scripts, as a record made now would have them."""
    paths = sorted(PAYLOAD.parent.glob("smoke_*.py"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def named(pins: list[str]) -> list[str]:
    return [pin.partition("==")[0] for pin in pins if pin.partition("==")[0] in CORE]


def prove(stack: str, work: Path, timeout: float) -> str:
    """Prove one stack and file it. The reasons where that failed, else empty."""
    python, *pins = stack.split()
    output = work / "stack"
    shutil.rmtree(output, ignore_errors=True)
    command = [sys.executable, "-m", "compatmatrix", "prove", "--json", "--fresh", "--no-gpu", "--index", "pypi"]
    command += ["--python", find_interpreter(python), "--timeout", str(timeout), "--output", str(output), *pins]
    try:
        ran = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    finally:
        shutil.rmtree(output / "venv", ignore_errors=True)
    if ran.returncode not in (0, 1) or not ran.stdout:
        return ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout)
    if not answer["passed"]:
        failed = [f"{p['name']}: {p['detail']} [{p['code']}]" for p in answer["probes"] if p["status"] == "fail"]
        return "\n".join([*failed, answer["failure"] or ""])
    file_proof(output, answer)
    return ""


def file_proof(output: Path, answer: dict[str, Any]) -> None:
    """Copy lock and record below data/proofs and add their row to the index."""
    lock = (output / "requirements.txt").read_text(encoding="utf-8")
    host: Host = host_from_dict(answer["host"])
    assert host.python.value is not None
    versions = {name: answer["stack"][name].partition("+")[0] for name in CORE}
    record = read_record(output / "proof.json")
    assert record.proves(lock)
    minor = host.python.value.minor
    name = f"py{minor}-fastai{versions['fastai']}-torch{versions['torch']}-{record.build}"
    row = ProofRow(
        python=minor,
        platform=host.platform.value or "",
        libc=host.libc.value,
        build=f"{record.build}@{record.index}",
        level=ProofLevel(answer["level"]),
        stack=versions,
        record=name,
        lock=lock_digest(lock),
    )
    folder = PROOFS / name
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "requirements.txt", lock)
    write_atomically(folder / "proof.json", (output / "proof.json").read_text(encoding="utf-8"))
    file_row(PROOFS, row)


def clean_cache(lock: Path) -> None:
    """Drop the large wheels of the last lock from uv's cache; the small ones stay for the next stack."""
    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    large = re.findall(r"^(torch|torchvision|triton|(?:nvidia|cuda)-[\w-]+)==", text, re.MULTILINE)
    if large:
        subprocess.run([uv_program(), "cache", "clean", "--quiet", *large], capture_output=True, check=False)
    subprocess.run([uv_program(), "cache", "prune", "--quiet"], capture_output=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
