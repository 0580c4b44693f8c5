"""Proof records: what they say, that they come back as they were, and that broken ones are told as such."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from compatmatrix.errors import BadInput
from compatmatrix.model.cuda import Capability, Cuda
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Gpu, Host, Libc, Python
from compatmatrix.model.proof import Probe, ProofLevel, SmokeResult, Status
from compatmatrix.prove.record import ProofRecord, digest, make_record, read_record, statement, write_record

from . import measured

LOCK = "torch==2.15.0 --hash=sha256:00\n"
HOST = Host(
    python=Fact.of(Python.parse("3.12.1"), "given"),
    platform=Fact.of("linux-x86_64", "given"),
    libc=Fact.of(Libc("glibc", 2, 35), "given"),
    driver=Fact.of(Version("580.65.06"), "nvidia-smi"),
    gpus=Fact.of((Gpu("NVIDIA H200", Capability(9, 0), 143771),), "nvidia-smi"),
    driver_cuda=Fact.of(Cuda(13, 0), "nvidia-smi"),
    notes=("container",),
)
PASSED = SmokeResult(
    probes=(
        Probe("imports", Status.PASS, "torch 2.15.0 in 1.0 s", 1.00049),
        Probe("memory", Status.SKIP, "on the CPU there is no GPU memory to give back", 0.0),
    ),
    device="cpu",
    versions=(("fastai", "2.8.12"), ("torch", "2.15.0")),
    seconds=12.34567,
)
WARNED = PASSED._replace(
    probes=(Probe("tabular", Status.PASS, "", 1.0, warnings=("UserWarning: not writable",)), *PASSED.probes)
)
FAILED = SmokeResult((Probe("imports", Status.FAIL, "nms", 1.0, "torchvision-mismatch"),), "cpu", (), 1.0, "time limit")


def record_of(result: SmokeResult = PASSED) -> ProofRecord:
    finished = "2026-01-02T03:04:05+00:00"
    return make_record(LOCK, result, HOST, build="cu130", index="pypi", matrix_digest="ab" * 32, finished=finished)


def test_what_was_measured_comes_back_without_pictures(tmp_path: Path) -> None:
    record = make_record(LOCK, measured.PASSED.result, HOST, report=measured.PASSED.report)
    write_record(tmp_path / "proof.json", record)
    found = read_record(tmp_path / "proof.json")
    assert found == record
    assert found.report.bench == measured.PASSED.report.bench
    assert (found.report.memory, found.report.batch_png) == ((), "")
    assert measured.DOT not in (tmp_path / "proof.json").read_text()


def test_it_names_every_file_of_the_payload() -> None:
    names = [row["name"] for row in statement(record_of())["predicate"]["configuration"]]
    assert {"smoke_payload.py", "smoke_core.py", "smoke_full.py", "smoke_ranks.py"} <= set(names)
    assert "run_smoke.py" not in names


PROOFS = Path(__file__).parents[2] / "data" / "proofs"


@pytest.mark.parametrize("path", sorted(PROOFS.glob("*/proof.json")), ids=lambda path: str(path.parent.name))
def test_the_shipped_records_are_read(path: Path) -> None:
    assert read_record(path).passed


@pytest.mark.parametrize("result", [PASSED, WARNED, FAILED, SmokeResult((), "unknown", (), 0.1, "killed by SIGKILL")])
def test_a_record_comes_back_as_it_was(tmp_path: Path, result: SmokeResult) -> None:
    write_record(tmp_path / "proof.json", record_of(result))
    assert read_record(tmp_path / "proof.json") == record_of(result)


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_record(tmp_path / name, record_of())
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_it_is_an_in_toto_test_result() -> None:
    data = statement(record_of())
    assert data["_type"] == "https://in-toto.io/Statement/v1"
    assert data["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert data["subject"] == [{"name": "requirements.txt", "digest": {"sha256": digest(LOCK)}}]
    predicate = data["predicate"]
    assert set(predicate) == {"result", "configuration", "passedTests", "warnedTests", "failedTests"}
    assert (predicate["result"], predicate["passedTests"], predicate["failedTests"]) == ("PASSED", ["imports"], [])
    fields = {"name", "uri", "digest", "content", "downloadLocation", "mediaType", "annotations"}
    for row in predicate["configuration"]:
        assert set(row) <= fields
        assert {"uri", "digest", "content"} & set(row), "a resource must be identified"


def test_what_passed_with_warnings_is_recorded_as_such() -> None:
    predicate = statement(record_of(WARNED))["predicate"]
    assert (predicate["result"], predicate["warnedTests"]) == ("WARNED", ["tabular"])
    assert predicate["passedTests"] == ["imports"]
    assert record_of(WARNED).level is ProofLevel.TRAINED_CPU
    both = SmokeResult(WARNED.probes + FAILED.probes, "cpu", (), 1.0)
    assert statement(record_of(both))["predicate"]["result"] == "FAILED"


def test_a_failed_run_is_recorded_as_such() -> None:
    predicate = statement(record_of(FAILED))["predicate"]
    assert (predicate["result"], predicate["failedTests"]) == ("FAILED", ["imports"])
    assert record_of(FAILED).level is ProofLevel.RESOLVED


def test_what_it_proves() -> None:
    record = record_of()
    assert (record.passed, record.level) == (True, ProofLevel.TRAINED_CPU)
    assert record.proves(LOCK)
    assert not record.proves(LOCK + "\n")


def changed(path: Path, *, at: tuple[Any, ...], to: object) -> Path:
    data = statement(record_of())
    place = data
    for key in at[:-1]:
        place = place[key]
    place[at[-1]] = to
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize(
    ("at", "to", "said"),
    [
        (("_type",), "https://example.invalid", "_type is"),
        (("predicateType",), "x", "predicateType is"),
        (("subject",), [], "ValueError"),
        (("subject", 0, "digest"), {"md5": "0"}, "KeyError"),
        (("predicate", "result"), "FAILED", "result: contradicts the probes"),
        (("predicate", "passedTests"), ["imports", "learner"], "passedTests: contradicts the probes"),
        (("predicate", "warnedTests"), ["imports"], "warnedTests: contradicts the probes"),
        (("predicate", "configuration"), [], "KeyError"),
        (("predicate", "configuration", 1, "annotations", "notes"), [], "host: altered"),
        (("predicate", "configuration", 2, "annotations", "build"), "cpu", "stack: altered"),
        (("predicate", "configuration", 3, "annotations", "probes", 0, "seconds"), -1, "run: altered"),
    ],
)
def test_a_broken_record_says_what_is_wrong(tmp_path: Path, at: tuple[Any, ...], to: object, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_record(changed(tmp_path / "proof.json", at=at, to=to))
    assert said in str(caught.value)
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"schema": 1}', b"[" * 100_000])
def test_what_is_no_record(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "proof.json"
    path.write_bytes(text)
    with pytest.raises(BadInput, match=r"proof\.json"):
        read_record(path)


def test_a_missing_record(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read_record(tmp_path / "proof.json")


def test_the_in_toto_library_accepts_it() -> None:
    pytest.importorskip("in_toto_attestation", reason="the in-toto-attestation package is not installed")
    from google.protobuf import json_format
    from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
    from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
    from in_toto_attestation.v1.statement import Statement

    for result in (PASSED, WARNED, FAILED):
        data = statement(record_of(result))
        Statement.copy_from_pb(json_format.ParseDict(data, Statement([], "", {}).pb)).validate()
        predicate = json_format.ParseDict(data["predicate"], test_result_pb2.TestResult())
        assert (predicate.result, [*predicate.warned_tests]) == (
            data["predicate"]["result"],
            data["predicate"]["warnedTests"],
        )
        for row in predicate.configuration:
            ResourceDescriptor.copy_from_pb(row).validate()
