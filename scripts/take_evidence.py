#!/usr/bin/env python3
"""Check a folder of gpu_evidence.py and take it into this checkout.

    python3 scripts/take_evidence.py [--into CHECKOUT] [--check] [--rehearsal] FOLDER

nvidia-smi's outputs go to tests/data/nvidia_smi; the proof to data/proofs and its index where what was installed is a
lock that was shipped, else to data/evidence; the bench to docs/smoke.md. Nothing is taken where one thing is wrong:
a file that was changed, a name of a person or a machine that is left, a run that failed, outputs that contradict each
other, GPUs that are none. --check stops there. --rehearsal lets the stand-in of our tests pass, into another checkout.
Exit status: 0 taken, 1 refused, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

from evidence_text import FILES, INSTALLED, MANIFEST, MOST_BYTES, PROOF, SAMPLES, SCHEMA, leaks  # noqa: E402

from compatmatrix.atomic import write_atomically  # noqa: E402
from compatmatrix.emit.digest import lock_digest  # noqa: E402
from compatmatrix.errors import BadInput  # noqa: E402
from compatmatrix.lock.read import read_packages  # noqa: E402
from compatmatrix.probe.nvidia_smi import parse_query, parse_xml  # noqa: E402
from compatmatrix.prove.record import ProofRecord, digest, read_record, write_record  # noqa: E402
from compatmatrix.prove.report import BenchTable, read_report  # noqa: E402
from compatmatrix.resolve.proven import file_row, load_rows  # noqa: E402

REAL = "_CudaDeviceProperties"
ENDINGS = {"query": "csv", "query_old": "csv", "xml": "xml", "banner": "txt", "q": "txt", "list": "txt"}
NONE_YET = "No GPU has been measured yet."
MARK = "<!-- measured GPUs, by scripts/take_evidence.py -->"


class Evidence(NamedTuple):
    manifest: dict[str, Any]
    samples: dict[str, str]
    installed: str
    record: ProofRecord

    @property
    def gpu(self) -> str:
        """The first GPU's name, for file names: "h200"."""
        name = self.record.device.partition(" ")[2].lower()
        return re.sub(r"[^a-z0-9]+", "-", re.sub(r"nvidia|geforce|tesla", "", name)).strip("-")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--into", type=Path, default=TOP, metavar="CHECKOUT")
    parser.add_argument("--check", action="store_true", help="only say whether it would be taken")
    parser.add_argument("--rehearsal", action="store_true", help="take what the stand-in for GPUs says as well")
    asked = parser.parse_args()
    if asked.rehearsal and asked.into.resolve() == TOP:
        parser.error("--rehearsal needs another checkout: --into DIR")
    evidence, problems = read(asked.folder, rehearsal=asked.rehearsal)
    for problem in problems:
        print(f"error[evidence]: {asked.folder}: {problem}", file=sys.stderr)
    if evidence is None or problems:
        print("hint: run gpu_evidence.py again; a folder is taken as it was written, or not at all", file=sys.stderr)
        return 1
    if not asked.check:
        for written in [*take_samples(evidence, asked.into), *take_proof(evidence, asked.into)]:
            print(f"written: {written}")
        print(take_figures(evidence, asked.into))
    return 0


def read(folder: Path, *, rehearsal: bool) -> tuple[Evidence | None, list[str]]:
    """The evidence, None where it cannot be read, and everything that is wrong with it."""
    problems, texts = [], {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name not in FILES or path.is_symlink() or path.stat().st_size > MOST_BYTES:
            problems.append(f"{path.name}: does not belong there, or is too large")
        else:
            texts[path.name] = path.read_text(encoding="utf-8", errors="replace")
    missing = [name for name in (MANIFEST, INSTALLED, PROOF, SAMPLES) if name not in texts]
    if missing:
        return None, [*problems, f"missing: {', '.join(missing)}"]
    problems += [f"{name}: tells a {kind}" for name, text in texts.items() for kind in leaks(decoded(name, text))]
    try:
        manifest, samples = json.loads(texts[MANIFEST]), json.loads(texts[SAMPLES])
        problems += changed(manifest, texts)
        evidence = Evidence(manifest, samples, texts[INSTALLED], read_record(folder / PROOF))
        problems += contradictions(evidence, rehearsal=rehearsal)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return None, [*problems, f"cannot be read: {error!r}"]
    except BadInput as error:
        return None, [*problems, *map(str, error.problems)]
    return evidence, problems


def decoded(name: str, text: str) -> str:
    """The texts inside JSON with their own line ends, which some names are found by."""
    try:
        return "\n".join(json.loads(text).values()) if name == SAMPLES else text
    except (ValueError, TypeError, AttributeError):
        return text


def changed(manifest: dict[str, Any], texts: dict[str, str]) -> list[str]:
    """Files that are not what the manifest says. It is no signature: it finds slips, not forgers."""
    if manifest["schema"] != SCHEMA:
        return [f"schema {manifest['schema']}, not {SCHEMA}"]
    there = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items() if name != MANIFEST}
    return [
        f"{name}: changed since it was written"
        for name, found in there.items()
        if manifest["digests"].get(name) != found
    ]


def contradictions(evidence: Evidence, *, rehearsal: bool) -> list[str]:
    """What the parts say against each other."""
    manifest, record, samples = evidence.manifest, evidence.record, evidence.samples
    host, facts, found = record.host, manifest["facts"], []
    if not record.passed or not record.device.startswith("cuda"):
        found.append(f"{PROOF}: {'passed' if record.passed else 'failed'}, on {record.device}: no proof on a GPU")
    if not record.proves(evidence.installed):
        found.append(f"{PROOF}: of another list than {INSTALLED}")
    kinds = {gpu.get("kind") for gpu in facts.get("gpus") or [{}]}
    if kinds != {REAL} and not rehearsal:
        found.append(f"torch names no real GPU: {', '.join(map(str, kinds))}")
    asked, everything = parse_query(samples.get("query", "")), parse_xml(samples.get("xml", ""))
    drivers = {str(answer.driver) for answer in (asked, everything) if answer.driver} | {str(host.driver.value)}
    if len(drivers) != 1 or not asked.gpus:
        found.append(f"nvidia-smi and inspect name these drivers: {', '.join(sorted(drivers))}")
    seen = [gpu.name for gpu in asked.gpus or ()]
    if not any(name in record.device or record.device.partition(" ")[2] in name for name in seen):
        found.append(f"trained on {record.device}, and nvidia-smi lists {', '.join(seen) or 'none'}")
    return found


def take_samples(evidence: Evidence, into: Path) -> list[Path]:
    """nvidia-smi's outputs, each as a sample named by what was asked, the driver's branch and the GPU."""
    assert evidence.record.host.driver.value
    branch = str(evidence.record.host.driver.value).partition(".")[0]
    folder, written = into / "tests" / "data" / "nvidia_smi", []
    for kind, text in sorted(evidence.samples.items()):
        if text.strip() and kind in ENDINGS:
            written.append(folder / f"real_{kind}_{branch}_{evidence.gpu}.{ENDINGS[kind]}")
            write_atomically(written[-1], text)
    return written


def take_proof(evidence: Evidence, into: Path) -> list[Path]:
    """The record. Of a shipped lock where all that it pins was installed in that version, else of the bare list."""
    record, proofs = evidence.record, into / "data" / "proofs"
    assert record.host.python.value
    minor, versions = record.host.python.value.minor, dict(record.versions)
    core = {name: versions[name].partition("+")[0] for name in ("fastai", "torch", "torchvision")}
    there = dict(line.split("==") for line in evidence.installed.split())
    load_rows.cache_clear()
    name = f"py{minor}-fastai{core['fastai']}-torch{core['torch']}-{record.build}-{evidence.gpu}"
    for row in load_rows(proofs):
        text = (proofs / row.record / "requirements.txt").read_text(encoding="utf-8")
        alike = (row.python, row.stack, row.build.partition("@")[0]) == (minor, core, record.build)
        if alike and row.platform == record.host.platform.value and pinned(text, there):
            whole = replace(record, lock_digest=digest(text), index=row.build.partition("@")[2])
            new = row._replace(level=record.level, record=name, lock=lock_digest(text))
            file_row(proofs, new)
            return put(proofs / name, text, whole)
    return put(into / "data" / "evidence" / name, evidence.installed, record)


def pinned(lock: str, there: dict[str, str]) -> bool:
    """Whether every package of a lock was installed in just that version."""
    return all(
        there.get(package.name, "").partition("+")[0] == str(package.version).partition("+")[0]
        for package in read_packages(lock)
    )


def put(folder: Path, text: str, record: ProofRecord) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "requirements.txt", text)
    write_record(folder / PROOF, record)
    return [folder / "requirements.txt", folder / PROOF]


def take_figures(evidence: Evidence, into: Path) -> str:
    """The bench as a block of docs/smoke.md, above those that are there; what was done, in words."""
    full = evidence.manifest.get("full")
    tables = read_report(full["report"]).bench if full else ()
    if not tables:
        return "the bench measured nothing: docs/smoke.md stays as it is"
    page = into / "docs" / "smoke.md"
    text = page.read_text(encoding="utf-8")
    if MARK not in text:
        text = text.replace(NONE_YET, f"On GPUs:\n\n{MARK}")
    write_atomically(page, text.replace(MARK, f"{MARK}\n\n{figures(evidence.record, tables)}", 1))
    return f"written: {page}; read it before it is committed"


def figures(record: ProofRecord, tables: tuple[BenchTable, ...]) -> str:
    """Milliseconds of ten epochs, as docs/smoke.md shows them."""
    versions, driver = dict(record.versions), record.host.driver.value
    what = f"torch {versions['torch']}, fastai {versions['fastai']}, Python {record.host.python.value}, driver {driver}"
    sizes = sorted({row.batch for table in tables for row in table.rows})
    lines = ["    milliseconds for 10 epochs of 4096 images, by batch size"]
    width = max(len(table.device) for table in tables)
    lines.append(" " * (4 + width) + "".join(f"{size:9}" for size in sizes))
    for table in tables:
        by_size = {row.batch: f"{row.epoch_ms * 10:9.0f}" for row in table.rows}
        lines.append(f"    {table.device:{width}}" + "".join(by_size.get(size, " " * 9) for size in sizes))
    ends = "; ".join(f"{table.device}: larger batches pay up to {table.best} ({table.ended})" for table in tables)
    return (
        f"{record.device.partition(' ')[2]}, {what} ({record.finished[:10]}):\n\n" + "\n".join(lines) + f"\n\n{ends}."
    )


if __name__ == "__main__":
    sys.exit(main())
