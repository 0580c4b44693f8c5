"""The proof record: an in-toto Statement with the test-result predicate, bound to the lock by digest.

Everything of ours lies in annotations, so tools that sign and check such statements need not know us.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compatmatrix.atomic import write_atomically
from compatmatrix.errors import BadInput
from compatmatrix.model.host import Host, host_from_dict
from compatmatrix.model.proof import Probe, ProofLevel, SmokeResult, Status
from compatmatrix.prove.answer import read_probe
from compatmatrix.prove.report import Report, read_report
from compatmatrix.prove.smoke import PAYLOAD, SEED

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
SUBJECT = "requirements.txt"
_MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ProofRecord:
    """A smoke run tied to the lock that it proves.

    lock_digest: sha256 of the lock's bytes, in hex. build, index: as in the decision ("cu126", "pytorch").
    matrix_digest: of the matrix that decided, payload_digest: of the script that trained, payload_parts: names and
    digests of its other files. run_level: how much was asked of the run. finished: when, as the caller words it
    (ISO 8601 with zone), empty where not told. report: what was measured, without pictures and memory samples.
    """

    lock_digest: str
    host: Host
    versions: tuple[tuple[str, str], ...]
    device: str
    probes: tuple[Probe, ...]
    seconds: float
    failure: str = ""
    build: str = ""
    index: str = ""
    matrix_digest: str = ""
    payload_digest: str = ""
    seed: int = SEED
    run_level: str = "default"
    finished: str = ""
    payload_parts: tuple[tuple[str, str], ...] = ()
    report: Report = field(default_factory=Report)

    @property
    def result(self) -> SmokeResult:
        """The run as it answered, without its output."""
        return SmokeResult(self.probes, self.device, self.versions, self.seconds, self.failure)

    @property
    def passed(self) -> bool:
        return self.result.passed

    @property
    def level(self) -> ProofLevel:
        """What this proves."""
        return self.result.level

    def proves(self, lock_text: str) -> bool:
        """Whether this record is about exactly this lock."""
        return self.lock_digest == digest(lock_text)


def digest(text: str) -> str:
    """The sha256 of a text as it lies in a file, in hex."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def make_record(
    lock_text: str,
    result: SmokeResult,
    host: Host,
    *,
    build: str = "",
    index: str = "",
    matrix_digest: str = "",
    seed: int = SEED,
    run_level: str = "default",
    finished: str = "",
    report: Report | None = None,
) -> ProofRecord:
    """Tie a run to its lock. No clock is looked at: finished is the caller's."""
    probes = tuple(probe._replace(seconds=round(probe.seconds, 3)) for probe in result.probes)
    return ProofRecord(
        lock_digest=digest(lock_text),
        host=host,
        versions=tuple(sorted(result.versions)),
        device=result.device,
        probes=probes,
        seconds=round(result.seconds, 3),
        failure=result.failure,
        build=build,
        index=index,
        matrix_digest=matrix_digest,
        payload_digest=_digest_of_file(PAYLOAD),
        payload_parts=tuple(
            (path.name, _digest_of_file(path)) for path in sorted(PAYLOAD.parent.glob("smoke_*.py")) if path != PAYLOAD
        ),
        seed=seed,
        run_level=run_level,
        finished=finished,
        report=(report or Report()).recorded(),
    )


def statement(record: ProofRecord) -> dict[str, Any]:
    """The in-toto Statement: JSON values only, keys in a fixed order.

    The predicate knows three results: passed without and with warnings, and failed. Skipped probes are in none of its
    lists, and in the annotations of the run with their reason.
    """
    passed = [probe for probe in record.probes if probe.status is Status.PASS]
    warned = [probe.name for probe in passed if probe.warnings]
    probes = {
        "level": record.run_level,
        "seed": record.seed,
        "device": record.device,
        "seconds": record.seconds,
        "failure": record.failure,
        "finished": record.finished,
        "proof": str(record.level),
        "probes": [probe.to_dict() for probe in record.probes],
        **({"report": record.report.kept()} if record.report != Report() else {}),
    }
    stack = {
        "versions": dict(record.versions),
        "build": record.build,
        "index": record.index,
        "matrix": record.matrix_digest,
    }
    return {
        "_type": STATEMENT,
        "subject": [{"name": SUBJECT, "digest": {"sha256": record.lock_digest}}],
        "predicateType": PREDICATE,
        "predicate": {
            "result": "FAILED" if not record.passed else "WARNED" if warned else "PASSED",
            "configuration": [
                {"name": PAYLOAD.name, "digest": {"sha256": record.payload_digest}},
                _described("host", record.host.to_dict()),
                _described("stack", stack),
                _described("run", probes),
                *({"name": name, "digest": {"sha256": found}} for name, found in record.payload_parts),
            ],
            "passedTests": [probe.name for probe in passed if not probe.warnings],
            "warnedTests": warned,
            "failedTests": [probe.name for probe in record.probes if probe.status is Status.FAIL],
        },
    }


def write_record(path: Path, record: ProofRecord) -> None:
    """Write the statement, in one step."""
    write_atomically(path, json.dumps(statement(record), indent=2, ensure_ascii=False) + "\n")


def read_record(path: Path) -> ProofRecord:
    """Read a statement. Raises BadInput for what is broken, altered or of another kind; all faults at once."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("too large for a proof record")
        data = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not a proof record: {error}") from error
    problems = _missing(data)
    if problems:
        raise BadInput(
            f"{path}: not a proof record: {', '.join(problems)}", hint="write a new one with: compatmatrix prove"
        )
    try:
        problems += _kind_problems(data)
        predicate = data["predicate"]
        rows = {row["name"]: row for row in predicate["configuration"]}
        problems += [
            f"{name}: altered since it was written" for name in ("host", "stack", "run") if _altered(rows[name])
        ]
        record = _record(data, rows, str(path))
        wanted = statement(record)["predicate"]
        problems += [
            f"{key}: contradicts the probes"
            for key in ("result", "passedTests", "warnedTests", "failedTests")
            if predicate[key] != wanted[key]
        ]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        problems.append(f"{type(error).__name__}: {error}")
    if problems:
        raise BadInput([f"{path}: {problem}" for problem in problems], hint="write a new one with: compatmatrix prove")
    return record


def read_lock(path: Path) -> str | None:
    """The lock that lies beside a record, as text; None where there is none that can be read."""
    try:
        lock = path.parent / SUBJECT
        return lock.read_text("utf-8") if lock.stat().st_size <= _MAX_BYTES else None
    except (OSError, ValueError):
        return None


def _described(name: str, annotations: Mapping[str, Any]) -> dict[str, Any]:
    """A ResourceDescriptor. It must identify something, so it carries the digest of its own annotations."""
    return {"name": name, "digest": {"sha256": _digest_of(annotations)}, "annotations": dict(annotations)}


def _digest_of_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest_of(annotations: Mapping[str, Any]) -> str:
    return digest(json.dumps(annotations, sort_keys=True, separators=(",", ":"), ensure_ascii=True))


def _altered(row: Mapping[str, Any]) -> bool:
    return bool(row["digest"]["sha256"] != _digest_of(row["annotations"]))


def _missing(data: Any) -> list[str]:
    if not isinstance(data, Mapping):
        return ["no JSON object"]
    return [f"{key!r} is missing" for key in ("_type", "subject", "predicateType", "predicate") if key not in data]


def _kind_problems(data: Mapping[str, Any]) -> list[str]:
    wanted = (("_type", STATEMENT), ("predicateType", PREDICATE))
    return [f"{key} is {data[key]!r}, not {value!r}" for key, value in wanted if data[key] != value]


def _record(data: Mapping[str, Any], rows: Mapping[str, Any], where: str) -> ProofRecord:
    (subject,) = data["subject"]
    stack, run = rows["stack"]["annotations"], rows["run"]["annotations"]
    return ProofRecord(
        lock_digest=str(subject["digest"]["sha256"]),
        host=host_from_dict(rows["host"]["annotations"], where=where),
        versions=tuple(sorted((str(name), str(version)) for name, version in stack["versions"].items())),
        device=str(run["device"]),
        probes=tuple(read_probe(row) for row in run["probes"]),
        seconds=float(run["seconds"]),
        failure=str(run["failure"]),
        build=str(stack["build"]),
        index=str(stack["index"]),
        matrix_digest=str(stack["matrix"]),
        payload_digest=str(rows[PAYLOAD.name]["digest"]["sha256"]),
        seed=int(run["seed"]),
        run_level=str(run["level"]),
        finished=str(run["finished"]),
        payload_parts=tuple(
            (name, str(row["digest"]["sha256"]))
            for name, row in rows.items()
            if name not in {PAYLOAD.name, "host", "stack", "run"}
        ),
        report=read_report(run.get("report", {})),
    )
