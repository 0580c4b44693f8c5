"""Smoke runs in a real stack: COMPATMATRIX_STACK_PYTHON names an interpreter with torch, torchvision and fastai."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from compatmatrix.model.proof import ProofLevel, Status
from compatmatrix.prove.smoke import smoke

pytestmark = pytest.mark.stack

# The fault that the payload injects into each probe, what the probe says, and the code it gives.
FAULTS = {
    "imports": ("fastcore", {"fastai-mismatch"}),
    "numpy-bridge": ("Numpy is not available", {"numpy-abi"}),
    "device": ("", {"other", "cpu-build-on-gpu", "arch-missing"}),
    "kernel": ("no kernel image is available", {"arch-missing"}),
    "conv": ("is not finite", {"other"}),
    "torchvision-ops": ("operator torchvision::nms does not exist", {"torchvision-mismatch"}),
    "datablock": ("cannot identify image file", {"other"}),
    "learner": ("the loss did not fall", {"other"}),
    "predict": ("get_preds has shape", {"other"}),
    "export": ("the loaded learner predicts otherwise", {"other"}),
    "memory": ("not given back", {"other"}),
    "tabular": ("is not finite", {"other"}),
}


@pytest.fixture(scope="module")
def python() -> Path:
    named = os.environ.get("COMPATMATRIX_STACK_PYTHON")
    if not named:
        pytest.skip("COMPATMATRIX_STACK_PYTHON is not set")
    return Path(named)


def test_every_probe_passes(python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    result = smoke(python)
    assert result.failure == ""
    unexpected = [probe for probe in result.probes if probe.status is Status.FAIL]
    assert unexpected == []
    skipped = {probe.name for probe in result.probes if probe.status is Status.SKIP}
    assert skipped == (set() if result.device.startswith("cuda") else {"device", "memory"})
    assert result.passed
    assert result.level in {ProofLevel.TRAINED_CPU, ProofLevel.TRAINED_GPU}
    assert {"torch", "torchvision", "fastai", "numpy"} <= dict(result.versions).keys()
    assert list(tmp_path.iterdir()) == []


def test_the_same_seed_gives_the_same_training(python: Path) -> None:
    first, second = (smoke(python, device="cpu", probes=["learner"]).probes[-1] for _ in range(2))
    assert first.name == "learner"
    assert first.detail == second.detail


@pytest.mark.parametrize("name", FAULTS)
def test_a_probe_fails_for_its_reason(python: Path, name: str) -> None:
    result = smoke(python, probes=[name], inject=name)
    probe = {probe.name: probe for probe in result.probes}[name]
    if name == "memory" and not result.device.startswith("cuda"):
        assert probe.status is Status.SKIP
        return
    words, codes = FAULTS[name]
    assert probe.status is Status.FAIL, probe
    assert words in probe.detail
    assert probe.code in codes
    assert [probe.name for probe in result.probes if probe.status is Status.FAIL] == [name]


@pytest.mark.parametrize("fault", ["crash:learner", "kill:learner"])
def test_a_crash_in_the_middle_keeps_what_was_known(python: Path, fault: str) -> None:
    result = smoke(python, inject=fault)
    assert result.failure.endswith("in probe learner")
    by_name = {probe.name: probe for probe in result.probes}
    assert by_name["conv"].status is Status.PASS
    assert by_name["learner"].status is Status.FAIL
    assert by_name["tabular"].detail == "not reached"
