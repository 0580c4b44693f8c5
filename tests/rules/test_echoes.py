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
    assert severity("torch==1.6.0\nMachine: x86_64, CUDA available: True\n", "driver-too-old") is Severity.WARNING
    # is_available() says nothing of architectures.
    assert severity("torch==1.6.0\nIs CUDA available: Yes\n", "arch-missing", "torch") is Severity.ERROR


def test_a_shadowed_torch_explains_a_mismatch() -> None:
    two = (
        "PyTorch version: 1.1.0\n[conda] pytorch 1.4.0 py3.7_cuda10.1_0 pytorch\n[conda] torchvision 0.5.0 py37_cu101\n"
    )
    assert severity(two, "torchvision-mismatch", "torch", "torchvision") is Severity.WARNING
    fails = f"{two}No such operator torchvision::nms\n"
    assert severity(fails, "torchvision-mismatch", "torch", "torchvision") is Severity.ERROR


def test_a_partner_of_another_patch_release_works() -> None:
    near = "PyTorch version: 2.2.1+cu121\n[pip3] torch==2.2.1\n[pip3] torchvision==0.17.0\n[pip3] torchaudio==2.2.0\n"
    assert severity(near, "torchvision-mismatch", "torch", "torchvision") is Severity.WARNING
    assert severity(near, "torchaudio-mismatch", "torch", "torchaudio") is Severity.WARNING
    fails = f"{near}RuntimeError: operator torchvision::nms does not exist\n"
    assert severity(fails, "torchvision-mismatch", "torch", "torchvision") is Severity.ERROR
    far = near.replace("0.17.0", "0.16.2")
    assert severity(far, "torchvision-mismatch", "torch", "torchvision") is Severity.ERROR
    flavours = near.replace("0.17.0", "0.17.0+cpu")
    assert severity(flavours, "torchvision-mismatch", "torch", "torchvision") is Severity.ERROR


def test_a_card_for_the_screen_may_be_left_out() -> None:
    env = (
        "PyTorch version: 2.9.0+cu128\nOS: Ubuntu 22.04.5 LTS (x86_64)\nIs CUDA available: True\n"
        "GPU 0: NVIDIA A100 80GB PCIe\nGPU 1: Quadro P620\nNvidia driver version: 570.133.20\n"
    )
    assert severity(env, "arch-missing", "torch") is Severity.WARNING
    assert severity(f"{env}no kernel image is available\n", "arch-missing", "torch") is Severity.ERROR
    assert severity(env.replace("True", "False"), "arch-missing", "torch") is Severity.ERROR
    assert severity(env.replace("NVIDIA A100 80GB PCIe", "Quadro P600"), "arch-missing", "torch") is Severity.ERROR


def test_an_unknown_driver_that_works_is_no_question() -> None:
    finding = Finding("driver-too-old", Severity.UNKNOWN, "made up")
    assert without_echoes(report_case("torch==2.5.0\nIs CUDA available: True\n"), [finding]) == []
    assert without_echoes(report_case("torch==2.5.0\n"), [finding]) == [finding]


def test_what_failed_on_the_gpu_is_no_cpu_build() -> None:
    text = "OS: Windows 11\nGPU: RTX 5090\nPyTorch: 2.7.1\n"
    assert severity(text, "cpu-build-on-gpu", "torch") is Severity.ERROR
    failed = f"{text}CUDA error: no kernel image is available for execution on the device\n"
    assert severity(failed, "cpu-build-on-gpu", "torch") is Severity.WARNING
