from __future__ import annotations

import pytest

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.echoes import without_echoes

from .reported import report_case


def severity(text: str, code: str, *packages: str) -> Severity:
    finding = Finding(code, Severity.ERROR, "made up", packages=packages)
    (kept,) = without_echoes(report_case(text), [finding, finding])
    return kept.severity


@pytest.mark.parametrize("code", ["platform-unsupported", "python-unsupported", "glibc-too-old"])
def test_what_is_installed_is_there(code: str) -> None:
    assert severity("torch==1.6.0\n", code, "torch") is Severity.WARNING
    assert severity("No matching distribution found for torch==1.6.0\n", code, "torch") is Severity.ERROR
    assert severity("numpy==1.19.0\n", code, "torch") is Severity.ERROR


def test_cuda_that_works_has_a_driver() -> None:
    assert severity("torch==1.6.0\nIs CUDA available: Yes\n", "driver-too-old", "torch") is Severity.WARNING
    assert severity("torch==1.6.0\nIs CUDA available: No\n", "driver-too-old", "torch") is Severity.ERROR
    # is_available() says nothing of architectures.
    assert severity("torch==1.6.0\nIs CUDA available: Yes\n", "arch-missing", "torch") is Severity.ERROR


def test_a_shadowed_torch_explains_a_mismatch() -> None:
    two = (
        "PyTorch version: 1.1.0\n[conda] pytorch 1.4.0 py3.7_cuda10.1_0 pytorch\n[conda] torchvision 0.5.0 py37_cu101\n"
    )
    assert severity(two, "torchvision-mismatch", "torch", "torchvision") is Severity.WARNING
    fails = f"{two}No such operator torchvision::nms\n"
    assert severity(fails, "torchvision-mismatch", "torch", "torchvision") is Severity.ERROR
