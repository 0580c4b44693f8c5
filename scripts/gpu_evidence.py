#!/usr/bin/env python3
"""Write down, on a machine with a GPU, what compatmatrix and torch say of it: one folder that others can check.

    python3 scripts/gpu_evidence.py [--python PATH] [--wheels DIR] [--out DIR] [--device cuda|auto|cpu] [--seconds N]

Runs inspect, check, smoke, and smoke --full --bench with the interpreter PATH (this one by default), asks nvidia-smi in
every form, and writes at most six files below OUT, of 16 MiB at most each. No network is needed: what PATH lacks
(fastai, ...) is taken from the wheels in DIR, into an environment that is removed. Names of users and hosts, UUIDs,
serial numbers, processes and home folders are taken out. `take_evidence.py` reads the folder into a checkout.
Exit status: 0 all passed, 1 something did not, 2 wrong usage, 3 nothing could be run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

from evidence_text import (  # noqa: E402  # noqa: E402
    FILES,
    INSTALLED,
    LOG,
    MANIFEST,
    MOST_BYTES,
    PAGE,
    PROOF,
    SAMPLES,
    SCHEMA,
    of_this_machine,
    scrub,
)

from compatmatrix.matrix import load_matrix  # noqa: E402
from compatmatrix.model.host import host_from_dict  # noqa: E402
from compatmatrix.model.proof import SmokeResult  # noqa: E402
from compatmatrix.probe.nvidia_smi import QUERY, QUERY_OLD, XML  # noqa: E402
from compatmatrix.process import Finished, run  # noqa: E402
from compatmatrix.prove.answer import read_probe  # noqa: E402
from compatmatrix.prove.record import make_record, statement  # noqa: E402
from compatmatrix.prove.report import read_report  # noqa: E402

ASKED_OF_SMI = {"banner": (), "query": QUERY, "query_old": QUERY_OLD, "q": ("-q",), "xml": XML, "list": ("-L",)}
SPARE = 20.0  # seconds for what comes after the last training


class Session:
    """One collection: its clock, its log and the words that take the place of this machine's paths."""

    def __init__(self, seconds: float, places: list[tuple[str, str]]) -> None:
        self.end, self.places = time.monotonic() + seconds, places
        self.log: list[str] = []
        self.steps: list[dict[str, Any]] = []

    @property
    def left(self) -> float:
        return max(5.0, self.end - time.monotonic() - SPARE)

    def step(self, name: str, argv: list[str], limit: float) -> Finished:
        """Run one program and write down how it ended."""
        print(f"{name} ...", file=sys.stderr, flush=True)
        # Where we run, -m finds the commands; a PYTHONPATH would be a fact about the environment, and a wrong one.
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        done = run(argv, timeout=min(limit, self.left + SPARE / 2), env=environment, cwd=TOP)
        self.steps.append(
            {"name": name, "status": done.status, "seconds": round(done.seconds, 1), "ended": done.describe()}
        )
        said = done.stderr if name.startswith("nvidia-smi") else done.stdout[-20000:] + done.stderr[-20000:]
        self.log += [f"== {name}: {done.describe()}", scrub(said, self.places)]
        return done

    def command(self, name: str, *words: str, limit: float = 60.0) -> Any:
        """A command of compatmatrix; its JSON answer without this machine's names, None where there was none."""
        done = self.step(name, [sys.executable, "-m", "compatmatrix", *words, "--json"], limit)
        try:
            return json.loads(scrub(done.stdout, self.places))
        except ValueError:
            return None


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="the interpreter that has torch")
    parser.add_argument("--wheels", type=Path, help="a folder of wheels that it lacks")
    parser.add_argument("--out", type=Path, default=Path("gpu-evidence"))
    parser.add_argument("--device", choices=("cuda", "auto", "cpu"), default="cuda")
    parser.add_argument("--seconds", type=float, default=570.0, help="for all of it")
    asked = parser.parse_args()
    if asked.out.is_dir() and {path.name for path in asked.out.iterdir()} - set(FILES):
        print(f"error[out]: {asked.out} holds other files\nhint: name another folder with --out", file=sys.stderr)
        return 2
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gpu-evidence-") as work:
        program = asked.python.absolute()
        places = [(work, "WORK"), (str(TOP), "CHECKOUT"), (str(asked.out.absolute()), "OUT"), *of_this_machine()]
        session = Session(
            asked.seconds,
            [*places, *((str(path.parent.parent), "ENVIRONMENT") for path in (program, program.resolve()))],
        )
        if asked.wheels:
            program = with_wheels(program, asked.wheels, Path(work) / "venv")
        return collect(session, program, asked.out, asked.device, Path(work))


def with_wheels(python: Path, wheels: Path, folder: Path) -> Path:
    """An environment that holds these wheels and sees all that another interpreter has."""
    files = sorted(map(str, wheels.glob("*.whl")))
    if not files:
        sys.exit(f"error[wheels]: {wheels}: no wheels there")
    made = subprocess.run([python, "-m", "venv", "--without-pip", folder]).returncode == 0
    inside = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not made:
        sys.exit("error[venv]: no environment could be made (Debian, Ubuntu: apt install python3-venv)")
    ask = "import site, sysconfig; p = sysconfig.get_path; "
    ask += "print(p('purelib'), p('platlib'), *site.getsitepackages(), sep='\\n')"
    above = subprocess.run([python, "-I", "-c", ask], capture_output=True, text=True).stdout.splitlines()
    site = Path(subprocess.run([inside, "-I", "-c", ask], capture_output=True, text=True).stdout.splitlines()[0])
    # By hand, since an environment may lack pip: these wheels are of Python code, and nothing is resolved.
    for file in files:
        with zipfile.ZipFile(file) as wheel:
            wheel.extractall(site)
    for part in site.glob("*.data/*lib"):
        shutil.copytree(part, site, dirs_exist_ok=True)
    # --system-site-packages would show the system's packages, and not those of the environment that PATH lies in; a
    # .pth file would hide them from what reads installed metadata.
    newer = {entry.name.partition("-")[0].lower() for entry in site.glob("*.dist-info")}
    for folder in map(Path, dict.fromkeys(above)):
        entries = list(folder.iterdir()) if folder.is_dir() else []
        old = [one for one in entries if one.suffix == ".dist-info" and one.name.partition("-")[0].lower() in newer]
        hidden = {one.name for one in old}.union(*(top_levels(one / "RECORD") for one in old))
        for entry in entries:
            if entry.name not in hidden and not (site / entry.name).exists():
                (site / entry.name).symlink_to(entry)
    return inside


def top_levels(record: Path) -> set[str]:
    """What a distribution put beside its metadata, by the list that it left."""
    lines = record.read_text(encoding="utf-8").splitlines() if record.is_file() else []
    return {line.partition("/")[0].partition(",")[0] for line in lines} - {"..", "__pycache__"}


def collect(session: Session, python: Path, out: Path, device: str, work: Path) -> int:
    """All steps, and the files."""
    samples, target = {}, ["--python", str(python)]
    for name, words in ASKED_OF_SMI.items() if shutil.which("nvidia-smi") else ():
        samples[name] = scrub(session.step(f"nvidia-smi {name}", ["nvidia-smi", *words], 30.0).stdout, session.places)
    told = session.step("torch", [str(python), "-I", "-B", str(TOP / "scripts" / "gpu_facts.py")], 120.0)
    try:
        facts = json.loads(scrub(told.stdout, session.places))
    except ValueError:
        print(f"error[torch]: {python} has no torch that answers:\n{told.stderr[-2000:]}", file=sys.stderr)
        print("hint: name the interpreter that has one with --python", file=sys.stderr)
        return 3
    inspected = session.command("inspect", "inspect", *target, "--offline")
    checked = session.command("check", "check", *target, "--offline")
    page, first = work / PAGE, int(session.left * 0.35)
    usual = session.command("smoke", "smoke", *target, "--device", device, "--timeout", str(first), limit=first + 20)
    wide = "cpu" if device == "cpu" else "auto"  # the bench sets the CPU beside the GPU
    rest = int(session.left - 10)
    words = ["--full", "--bench", "--device", wide, "--timeout", str(rest), "--html", str(page)]
    full = session.command("smoke --full --bench", "smoke", *target, *words, limit=rest + 10)
    installed = "".join(f"{name}=={version}\n" for name, version in facts["closure"].items())
    files = {INSTALLED: installed, SAMPLES: json.dumps(samples, indent=1), LOG: "\n".join(session.log)}
    best = next((run for run in (full, usual) if run and run["passed"]), full or usual)
    if best:
        level = "full" if best is full else "default"
        files[PROOF] = json.dumps(record_of(best, installed, facts, level), indent=1, ensure_ascii=False) + "\n"
    if page.is_file():
        files[PAGE] = scrub(page.read_text(encoding="utf-8"), session.places)
    manifest = {
        "schema": SCHEMA,
        "steps": session.steps,
        "facts": facts,
        "inspect": inspected,
        "check": checked,
        "smoke": usual,
        "full": full,
        "digests": {name: hashlib.sha256(text.encode()).hexdigest() for name, text in sorted(files.items())},
    }
    files[MANIFEST] = json.dumps(manifest, indent=1)
    for name, text in files.items():
        Path(out, name).write_bytes(text.encode()[:MOST_BYTES])
    return say(out, usual, full)


def record_of(answer: Any, installed: str, facts: Any, level: str) -> Any:
    """The in-toto statement of a run, about the list of what was installed: nothing here was installed from a lock."""
    probes = tuple(map(read_probe, answer["probes"]))
    versions = tuple(sorted(answer["stack"].items()))
    result = SmokeResult(probes, answer["device"], versions, answer["seconds"], answer["failure"] or "")
    record = make_record(
        installed,
        result,
        host_from_dict(answer["host"]),
        build="cu" + facts["cuda"].replace(".", "") if facts["cuda"] else "cpu",
        index="installed",
        matrix_digest=load_matrix().digest,
        run_level=level,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        report=read_report(answer["report"]),
    )
    return statement(record)


def say(out: Path, *answers: Any) -> int:
    """What came of it, and how it goes on."""
    passed = all(answer and answer["passed"] for answer in answers)
    for answer in filter(None, answers):
        failed = [probe for probe in answer["probes"] if probe["status"] == "fail"]
        for probe in failed:
            print(f"failed: {probe['name']}: {probe['detail']}")
    print(f"{'all passed' if passed else 'not all passed'}; written: {out}")
    for path in sorted(out.iterdir()):
        print(f"  {path.name:16} {path.stat().st_size:9} bytes")
    print(f"look through it, then: python3 scripts/take_evidence.py {out}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
