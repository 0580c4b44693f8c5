from __future__ import annotations

import json

from compatmatrix.model.finding import Evidence, Finding, Place, Severity
from compatmatrix.model.proof import Probe, ProofLevel, SmokeResult, Status


def test_finding_as_in_the_contract() -> None:
    found = Finding(
        "numpy-abi",
        Severity.ERROR,
        "message",
        "hint",
        ("numpy<2",),
        ("numpy", "torch"),
        (Evidence("a page", "2024-01-31"),),
        Place("requirements.txt", 3),
    )
    assert json.loads(json.dumps(found.to_dict())) == {
        "code": "numpy-abi",
        "severity": "error",
        "message": "message",
        "hint": "hint",
        "fix": ["numpy<2"],
        "packages": ["numpy", "torch"],
        "evidence": [{"source": "a page", "checked": "2024-01-31"}],
        "where": {"file": "requirements.txt", "line": 3},
    }


def test_finding_without_a_place() -> None:
    assert Finding("other", Severity.UNKNOWN, "message").to_dict()["where"] is None


def smoke(*statuses: Status, device: str = "cpu", failure: str = "") -> SmokeResult:
    probes = tuple(Probe(f"probe {number}", status, "", 0.0) for number, status in enumerate(statuses))
    return SmokeResult(probes, device, (), 1.0, failure)


def test_smoke_passes_only_where_something_passed() -> None:
    assert smoke(Status.PASS, Status.SKIP).passed
    assert not smoke(Status.SKIP).passed
    assert not smoke().passed
    assert not smoke(Status.PASS, Status.FAIL).passed
    assert not smoke(Status.PASS, failure="time limit").passed


def test_proof_levels() -> None:
    assert smoke(Status.PASS).level is ProofLevel.TRAINED_CPU
    assert smoke(Status.PASS, device="cuda:0 NVIDIA H200").level is ProofLevel.TRAINED_GPU
    assert smoke(Status.FAIL, device="cuda:0 NVIDIA H200").level is ProofLevel.RESOLVED
    assert list(ProofLevel) == [
        ProofLevel.RESOLVED,
        ProofLevel.VERSIONS_TRAINED,
        ProofLevel.TRAINED_CPU,
        ProofLevel.TRAINED_GPU,
    ]
