"""Somebody misses CUDA with a CUDA build, and collect_env found no driver: there is none where torch runs.

Only on Linux: on Windows nvidia-smi is often not on PATH.
"""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope
from compatmatrix.rules.stated import torch_cuda


def check(case: Case) -> Iterator[Finding]:
    host, observed = case.host, case.observed
    linux = (host.platform.value or "").startswith("linux") and host.platform.origin != "assumed"
    if not (linux and observed.driver_sought and observed.sign("cuda-complained")) or observed.cuda_available:
        return
    if host.driver.known or host.driver_cuda.known or host.gpus.known or observed.amd or torch_cuda(case) is None:
        return
    yield Finding(
        RULE.code,
        Severity.ERROR,
        "no NVIDIA driver was found where torch runs: nvidia-smi does not answer there",
        "install the driver, or give the container or the job a GPU; the CUDA toolkit does not bring it",
        packages=("torch",),
    )


RULE = Rule("other", "a CUDA build without a driver", Scope.HOST, check)
