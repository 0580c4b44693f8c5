"""Somebody misses CUDA with a CUDA build, and no driver is to be seen where torch runs.

Either collect_env looked for it, which tells something on Linux only (on Windows nvidia-smi is often not on PATH); or
torch runs in PyTorch's own image, which has a CUDA build always, and nothing else is told.
"""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope
from compatmatrix.rules.stated import torch_cuda

_COMPLAINTS = {"cuda-complained", "cuda-unavailable"}


def check(case: Case) -> Iterator[Finding]:
    host, observed = case.host, case.observed
    told = host.driver.known or host.driver_cuda.known or host.gpus.known or observed.amd or observed.cuda_available
    names = {sign.name for sign in observed.signs}
    if not told and observed.image.startswith("pytorch/pytorch:") and "cuda-complained" in names <= _COMPLAINTS:
        yield Finding(
            "container-driver",
            Severity.ERROR,
            f"the container of {observed.image} sees no GPU: its torch is a CUDA build",
            "start it with --gpus all, with the NVIDIA container toolkit and a driver on the host: nvidia-smi must "
            "answer inside",
            packages=("torch",),
        )
        return
    linux = (host.platform.value or "").startswith("linux") and host.platform.origin != "assumed"
    if told or not (linux and observed.driver_sought and "cuda-complained" in names) or torch_cuda(case) is None:
        return
    yield Finding(
        RULE.code,
        Severity.ERROR,
        "no NVIDIA driver was found where torch runs: nvidia-smi does not answer there",
        "install the driver, or give the container or the job a GPU; the CUDA toolkit does not bring it",
        packages=("torch",),
    )


RULE = Rule("other", "a CUDA build without a driver", Scope.HOST, check)
