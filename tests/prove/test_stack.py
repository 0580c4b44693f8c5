"""Smoke runs in a real stack: COMPATMATRIX_STACK_PYTHON names an interpreter with torch, torchvision and fastai."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path

import pytest

from compatmatrix.model.proof import ProofLevel, Status
from compatmatrix.prove.smoke import run_smoke, smoke

from .test_payload import load

pytestmark = pytest.mark.stack

# What a probe says when its own fault is injected, and the codes that it may give.
STANDING = {
    "imports": ("fastcore", {"fastai-mismatch"}),
    "numpy-bridge": ("Numpy is not available", {"numpy-abi"}),
    "device": ("", {"other", "cpu-build-on-gpu", "arch-missing"}),
    "kernel": ("no kernel image is available", {"arch-missing"}),
    "conv": ("is not finite", {"other"}),
    "datablock": ("cannot identify image file", {"other"}),
    "learner": ("the loss did not fall", {"other"}),
    "predict": ("get_preds has shape", {"other"}),
}
# Nothing stands on these, so that one run can break all of them.
LEAVES = {
    "torchvision-ops": ("operator torchvision::nms does not exist", {"torchvision-mismatch"}),
    "show-batch": ("show_batch drew 0 pictures", {"other"}),
    "loader-errors": ("DataBlock.summary raised nothing", {"other"}),
    "workers": ("exited unexpectedly", {"other"}),
    "batch-size": ("batches of 4 were asked for, and they have 7", {"other"}),
    "metrics": ("a metric is NaN or missing", {"other"}),
    "callbacks": ("is not in learn.cbs", {"other"}),
    "lr-find": ("did not put the weights back", {"other"}),
    "freeze": ("after freeze the layers that learned are", {"other"}),
    "accumulate": ("6 steps in 6 batches", {"other"}),
    "seeds": ("with the same seed", {"other"}),
    "hooks": ("a hook stored nothing", {"other"}),
    "export": ("the loaded learner predicts otherwise", {"other"}),
    "tabular": ("is not finite", {"other"}),
    "to-fp16": ("", {"other", "fastai-mismatch"}),
}
FULL = {
    "memory": ("something keeps the net", {"other"}),
    "resnet": ("did not fall", {"other"}),
    "torch-compile": ("a compiled net", {"other"}),
    "distributed": ("weights that lie", {"other"}),
    "bench": ("no optimizer", {"other"}),
}
GPU_ONLY = {"device", "oom", "gpus"}


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
    assert [probe for probe in result.probes if probe.status is Status.FAIL] == []
    # The first torch with autocast on a CPU is 1.10.
    skipped = {
        probe.name
        for probe in result.probes
        if probe.status is Status.SKIP and "this torch has no autocast" not in probe.detail
    }
    assert skipped == (set() if result.device.startswith("cuda") else {"device", "oom"})
    assert result.passed
    assert result.level in {ProofLevel.TRAINED_CPU, ProofLevel.TRAINED_GPU}
    assert {"torch", "torchvision", "fastai", "numpy"} <= dict(result.versions).keys()
    assert list(tmp_path.iterdir()) == []


def test_the_same_seed_gives_the_same_training(python: Path) -> None:
    first, second = (smoke(python, device="cpu", probes=["learner"]).probes[-1] for _ in range(2))
    assert first.name == "learner"
    assert first.detail == second.detail


def test_the_figures_do_not_depend_on_which_probes_ran_before(python: Path) -> None:
    some = ["learner", "lr-find", "tabular"]
    alone, among = (
        {probe.name: probe.detail for probe in smoke(python, device="cpu", probes=probes).probes}
        for probes in (some, [*some, "show-batch", "loader-errors", "workers", "metrics", "callbacks", "batch-size"])
    )
    assert {name: alone[name] for name in some} == {name: among[name] for name in some}


def test_a_worker_that_hangs_is_seen_in_its_own_stack(python: Path) -> None:
    result = smoke(python, probes=["workers"], device="cpu", timeout=90, inject="hang:items")
    assert result.failure.endswith("in probe workers")
    for words in ("stack of the worker process", "in give_nothing", "in _worker_loop", "Timeout (", "in workers"):
        assert words in result.output_tail


def test_every_probe_has_its_fault_here() -> None:
    probes = {probe[0] for probe in load().PROBES}
    assert probes == STANDING.keys() | LEAVES.keys() | FULL.keys() | GPU_ONLY


@pytest.mark.parametrize("name", STANDING)
def test_a_probe_fails_for_its_reason(python: Path, name: str) -> None:
    result = smoke(python, probes=[name], inject=name)
    probe = {probe.name: probe for probe in result.probes}[name]
    words, codes = STANDING[name]
    assert probe.status is Status.FAIL, probe
    assert words in probe.detail
    assert probe.code in codes
    assert [probe.name for probe in result.probes if probe.status is Status.FAIL] == [name]


@pytest.mark.parametrize(("faults", "level"), [(LEAVES, "default"), (FULL, "full")], ids=["default", "full"])
def test_probes_fail_side_by_side_for_their_own_reasons(
    python: Path, faults: dict[str, tuple[str, set[str]]], level: str
) -> None:
    run = run_smoke(python, probes=list(faults), inject=",".join(faults), level=level, timeout=900)
    assert run.result.failure == ""
    for probe in run.result.probes:
        if probe.name not in faults:
            assert probe.status is not Status.FAIL, probe
        elif not (probe.name == "torch-compile" and probe.status is Status.SKIP):
            words, codes = faults[probe.name]
            assert (probe.status, words in probe.detail, probe.code in codes) == (Status.FAIL, True, True), probe


def test_two_processes_train_one_net(python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    result = smoke(python, probes=["distributed"], level="full", device="cpu", timeout=300)
    last = result.probes[-1]
    assert (last.name, last.status) == ("distributed", Status.PASS)
    assert "2 processes by torchrun over gloo, same weights" in last.detail
    assert list(tmp_path.iterdir()) == []


def test_the_time_limit_ends_the_processes_of_torchrun_as_well(
    python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    result = smoke(python, probes=["distributed"], level="full", device="cpu", timeout=90, inject="hang:ranks")
    assert result.failure.startswith("time limit")
    assert result.failure.endswith("in probe distributed")
    deadline = time.monotonic() + 10
    while (alive := running_with(str(tmp_path))) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert alive == []


def running_with(text: str) -> list[str]:
    """Command lines on this machine that contain a text."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            found += [line] if text in line else []
    return found


def test_the_bench_measures_every_size_that_is_always_measured(python: Path) -> None:
    run = run_smoke(python, probes=[], bench=True, device="cpu")
    assert run.result.passed
    (table,) = run.report.bench
    assert [row.batch for row in table.rows][:6] == [32, 64, 128, 256, 512, 1024]
    assert table.best in {row.batch for row in table.rows}
    for row in table.rows:
        assert row.images_per_s == pytest.approx(row.batch / row.step_ms * 1000, rel=0.01)


def test_the_report_has_what_the_page_shows(python: Path) -> None:
    report = run_smoke(python, probes=["show-batch", "lr-find"], device="cpu").report
    assert len(report.epochs) == 4
    assert report.losses[0] > report.losses[-1]
    assert report.lr_find
    assert report.batch_png
    assert {told.name for told in report.told} >= {"imports", "learner"}
    assert sys.platform != "linux" or max(sample.resident or 0 for sample in report.memory) > 100


@pytest.mark.parametrize("fault", ["crash:learner", "kill:learner"])
def test_a_crash_in_the_middle_keeps_what_was_known(python: Path, fault: str) -> None:
    result = smoke(python, inject=fault)
    assert result.failure.endswith("in probe learner")
    by_name = {probe.name: probe for probe in result.probes}
    assert by_name["conv"].status is Status.PASS
    assert by_name["learner"].status is Status.FAIL
    assert by_name["tabular"].detail == "not reached"
