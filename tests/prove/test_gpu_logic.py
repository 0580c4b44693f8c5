"""The GPU branches of the smoke script, run to their end on GPUs that are none: see `impostor` for what that shows.

It stands in for hardware and proves the logic only: each probe passes where all is well, and fails for its own reason
where a GPU is not. Nothing of it says that a stack trains on a GPU, and nothing of it may be recorded as such.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from compatmatrix.model.proof import Probe, Status
from compatmatrix.prove.smoke import SmokeRun, run_smoke

from .test_payload import load

pytestmark = pytest.mark.stack

IMPOSTOR = Path(__file__).parent / "impostor.py"
# Its mode of torch is not in older ones.
OLDEST_TORCH = (2, 6)
H200: list[Any] = ["NVIDIA H200", [9, 0], 4096]
L4: list[Any] = ["NVIDIA L4", [8, 9], 2048]
P100: list[Any] = ["Tesla P100-PCIE-16GB", [6, 0], 2048]
SLICE: list[Any] = ["NVIDIA A100-SXM4-40GB MIG 1g.5gb", [8, 0], 96]
UNSEEN = "torch-compile"  # looks below the impostor


@pytest.fixture(scope="module")
def stack() -> Path:
    named = os.environ.get("COMPATMATRIX_STACK_PYTHON")
    if not named:
        pytest.skip("COMPATMATRIX_STACK_PYTHON is not set")
    code = "from importlib.metadata import version; print(version('torch'))"
    told = subprocess.run([named, "-I", "-c", code], capture_output=True, text=True).stdout
    if tuple(map(int, told.split(".")[:2])) < OLDEST_TORCH:
        pytest.skip(f"torch {told.strip()} is older than the impostor")
    return Path(named)


class Machine:
    """A machine with some GPUs and faults, whose interpreter is a stack's."""

    def __init__(self, folder: Path, stack: Path) -> None:
        self.folder, self.stack = folder, stack

    def run(self, *probes: str, gpus: list[Any], faults: tuple[str, ...] = (), **options: Any) -> SmokeRun:
        asked = json.dumps({"gpus": gpus, "arch": ["sm_80", "sm_90"], "faults": faults})
        program = self.folder / "python"
        program.write_text(
            f"#!/bin/sh\nexport IMPOSTOR='{asked}' IMPOSTOR_PYTHON='{program}'\n"
            f"exec '{self.stack}' -B -X faulthandler '{IMPOSTOR}' \"$@\"\n"
        )
        program.chmod(0o755)
        return run_smoke(program, probes=probes, **{"device": "cuda", "level": "full", "timeout": 1200, **options})


@pytest.fixture
def machine(tmp_path: Path, stack: Path) -> Machine:
    return Machine(tmp_path, stack)


def by_name(run: SmokeRun) -> dict[str, Probe]:
    return {probe.name: probe for probe in run.result.probes}


def failing(run: SmokeRun) -> dict[str, tuple[str, str]]:
    return {probe.name: (probe.detail, probe.code) for probe in run.result.probes if probe.status is Status.FAIL}


def test_every_probe_passes_on_two_gpus(machine: Machine) -> None:
    probes = [probe[0] for probe in load().plan("full", None) if probe[0] != UNSEEN]
    run = machine.run(*probes, gpus=[H200, L4], bench=True)
    assert (failing(run), run.result.failure) == ({}, "")
    found = by_name(run)
    assert {probe.name for probe in found.values() if probe.status is Status.SKIP} == set()
    for name, words in {
        "device": "NVIDIA H200 (9.0), NVIDIA L4 (8.9); compiled for sm_80 sm_90",
        "kernel": "2 GPUs",
        "torchvision-ops": "cpu and cuda:0",
        "to-fp16": "half precision in the layers",
        "memory": "largest free block",
        "oom": "within 256 MiB of our own; memory given back, by a training as well",
        "gpus": "cuda:0 NVIDIA H200, cuda:1 NVIDIA L4",
        "distributed": "2 processes by torchrun over nccl, same weights",
    }.items():
        assert words in found[name].detail
    (table,) = run.report.bench
    assert (table.kind, table.device) == ("cuda", "NVIDIA H200")
    assert any(sample.reserved for sample in run.report.memory)


def test_faults_of_gpus_fail_their_own_probes(machine: Machine) -> None:
    probes = ("torchvision-ops", "to-fp16", "memory", "gpus")
    run = machine.run(*probes, gpus=[H200, L4], faults=("no-nms", "no-amp", "leak", "second"))
    found = failing(run)
    assert set(found) == set(probes)
    assert "Could not run 'torchvision::nms'" in found["torchvision-ops"][0]
    assert found["torchvision-ops"][1] == "torchvision-mismatch"
    assert found["to-fp16"][0] == "to_fp16 computed in torch.float32, not in half precision"
    assert found["memory"][0].startswith("memory is not given back: allocated ")
    assert found["gpus"][0].startswith("cuda:1 NVIDIA L4 trains to weights or outputs nan away")


def test_the_faults_of_the_script_itself(machine: Machine) -> None:
    probes = ("to-fp16", "oom", "gpus")
    run = machine.run(*probes, gpus=[H200, L4], inject=",".join(probes))
    found = failing(run)
    assert set(found) == set(probes)
    assert "not in half precision" in found["to-fp16"][0]
    assert "where that cannot be" in found["oom"][0]
    assert found["gpus"] == (
        "cuda:0: RuntimeError: CUDA error: no kernel image is available for execution",
        "arch-missing",
    )


@pytest.mark.parametrize(
    ("probe", "faults", "gpus", "words", "code"),
    [
        ("device", (), [H200, P100], "P100-PCIE-16GB (6.0) is not served by the compiled", "arch-missing"),
        ("device", ("old-driver",), [H200], "driver on your system is too old", "driver-too-old"),
        ("kernel", ("no-kernel",), [H200, L4], "cuda:1: RuntimeError: CUDA error: no kernel image", "arch-missing"),
        ("conv", ("conv",), [H200], "conv2d differs from the CPU's", "other"),
        ("memory", ("reserve",), [H200], "reserved memory is not given back", "other"),
        ("oom", ("hoard",), [H200], "256.0 MiB are still allocated after tensors ran out of memory", "other"),
        ("oom", ("words",), [H200], "out of memory came as: no more room", "other"),
        ("kernel", (), [["full", [9, 0], 1]], "largest free block 0.0 MiB; of 1 MiB of the GPU 1 are free", "other"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else None,
)
def test_a_probe_fails_for_its_reason(
    machine: Machine, probe: str, faults: tuple[str, ...], gpus: list[Any], words: str, code: str
) -> None:
    found = failing(machine.run(probe, gpus=gpus, faults=faults))
    assert set(found) == {probe}
    assert words in found[probe][0]
    assert found[probe][1] == code


def test_the_device_probe_by_the_fault_of_the_script(machine: Machine) -> None:
    found = failing(machine.run("device", gpus=[H200], inject="device"))
    assert found["device"][1] == "arch-missing"


def test_a_driver_that_is_too_old_is_told_where_no_device_was_named(machine: Machine) -> None:
    found = failing(machine.run("device", gpus=[H200], faults=("old-driver",), device="auto"))
    assert found["device"][1] == "driver-too-old"


def test_an_error_that_ends_all_use_of_the_gpu_is_not_blamed_on_later_probes(machine: Machine) -> None:
    run = machine.run("torchvision-ops", "datablock", "conv", gpus=[H200], faults=("sticky",))
    assert set(failing(run)) == {"conv"}
    found = by_name(run)
    for name in ("torchvision-ops", "datablock"):
        assert found[name].status is Status.SKIP
        assert found[name].detail == "the error of conv has ended all use of the GPU by this process"


@pytest.mark.parametrize(
    ("fault", "words", "ended"),
    [
        ("nvml", "(out of memory, told as NVML_SUCCESS == r, since NVML does not", "memory ended at batch"),
        ("engine", "(CUDA out of memory", "memory ended at batch"),
        ("integrated", "(CUDA out of memory", "half of the free memory would be used"),
    ],
)
def test_memory_ends_in_other_words_and_no_bench_takes_a_machine_down(
    machine: Machine, fault: str, words: str, ended: str
) -> None:
    run = machine.run("oom", gpus=[SLICE], faults=(fault,), bench=True)
    assert failing(run) == {}
    assert words in by_name(run)["oom"].detail
    (table,) = run.report.bench
    assert ended in table.ended


def test_a_torch_that_bounds_nothing(machine: Machine) -> None:
    oom = by_name(machine.run("oom", gpus=[SLICE], faults=("unbounded",)))["oom"]
    assert oom.status is Status.PASS
    assert oom.detail.startswith("by one allocation")
    oom = by_name(machine.run("oom", gpus=[SLICE], faults=("unbounded", "integrated")))["oom"]
    assert (oom.status, oom.detail) == (
        Status.SKIP,
        "this GPU takes the machine's own memory, and this torch has no bound for it",
    )


def test_what_nccl_says(machine: Machine) -> None:
    found = failing(machine.run("distributed", gpus=[H200, L4], faults=("shm",)))["distributed"][0]
    assert "torch.distributed.DistBackendError: NCCL error in: " in found
    assert ": Error while creating shared memory segment /dev/shm/nccl-CsYXMW (size 9637888) (exit status 1" in found
    assert "; shared memory " in found
    run = machine.run("distributed", gpus=[H200, L4], faults=("exclusive",))
    assert failing(run) == {}
    assert "exclusive compute mode" in by_name(run)["distributed"].detail
