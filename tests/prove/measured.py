"""A run that was measured, for tests: small, but with all that a page and a record can show."""

from __future__ import annotations

from typing import Any

from compatmatrix.model.proof import Probe, SmokeResult, Status
from compatmatrix.prove.report import read_report
from compatmatrix.prove.smoke import SmokeRun

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
ROWS = [
    {"batch": 32, "step_ms": 3.2, "epoch_ms": 409.6, "learner_ms": 512.0, "images_per_s": 10000.0, "peak_mib": 300.0},
    {"batch": 64, "step_ms": 4.0, "epoch_ms": 256.0, "learner_ms": 401.5, "images_per_s": 16000.0, "peak_mib": 310.5},
    {"batch": 8192, "step_ms": 512.0, "epoch_ms": 256.0, "learner_ms": None, "images_per_s": 16000.0, "peak_mib": None},
]
MEASURED: dict[str, Any] = {
    "curves": {
        "batches": [1.2, 1.0, 0.8, 0.5],
        "names": ["train loss", "valid loss", "accuracy", "custom metric"],
        "epochs": [[1.0, 0.9, 0.5, 0.5], [0.5, 0.4, 1.0, 1.0]],
    },
    "lr_find": [[1e-7, 1.2], [1e-4, 1.1], [1e-2, 0.6], [1.0, 4.0]],
    "lr_suggested": 0.0044,
    "memory": [[0.1, 80.0, None, None], [5.0, 700.0, 12.0, 24.0], [9.0, 720.0, 1.0, 24.0]],
    "bench": [
        {
            "device": "cpu, 2 threads",
            "kind": "cpu",
            "images": 4096,
            "rows": ROWS,
            "ended": "the time was over",
            "best": 64,
        }
    ],
    "batch_png": DOT,
}
TOLD = [{"name": "imports", "proves": "the libraries can be imported", "at": 0.1}]
PASSED = SmokeRun(
    SmokeResult(
        probes=(
            Probe("imports", Status.PASS, "torch 2.15.0 in 1.0 s", 1.0),
            Probe("oom", Status.SKIP, "on the CPU", 0.0, warnings=("UserWarning: not writable",)),
        ),
        device="cpu",
        versions=(("fastai", "2.8.12"), ("torch", "2.15.0")),
        seconds=12.3,
    ),
    read_report(MEASURED, TOLD),
)
HOSTILE = "</td><script>alert(1)</script><img src=http://example.com/x onerror=alert(2)>"
FAILED = SmokeRun(
    SmokeResult(
        probes=(Probe("imports", Status.FAIL, HOSTILE, 1.0, "torchvision-mismatch", (HOSTILE,)),),
        device=HOSTILE,
        versions=((HOSTILE, HOSTILE),),
        seconds=1.0,
        failure=HOSTILE,
        output_tail=HOSTILE,
    ),
    read_report(
        {"curves": {"batches": [1.0], "names": [HOSTILE], "epochs": [[1.0]]}}, [{**TOLD[0], "proves": HOSTILE}]
    ),
)
