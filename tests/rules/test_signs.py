from __future__ import annotations

import pytest

from compatmatrix.rules.signs import implied

from .reported import report_case


def found(text: str) -> list[tuple[str, str]]:
    return [(finding.code, str(finding.severity)) for _, _, finding in implied(report_case(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The NVIDIA driver on your\nsystem is too old (found version 9000).", [("driver-too-old", "error")]),
        ("ImportError: libtorch_cpu.so: undefined symbol: iJIT_NotifyEvent", [("conda-mixed", "error")]),
        ("undefined symbol: __nvJitLinkComplete_12_4, version libnvJitLink.so.12", [("cuda-libs-conflict", "error")]),
        ("RuntimeError: Numpy is not available", [("numpy-abi", "error")]),
        (
            "docker: Error response: manifest for nvidia/cuda:11.0-base not found: manifest unknown",
            [("other", "error")],
        ),
        ("CUDA out of memory. Tried to allocate 2.00 GiB", []),
        ("RuntimeError: CUDNN_STATUS_NOT_INITIALIZED", []),
        ("torch==1.8.0\nRuntimeError: CUDNN_STATUS_NOT_INITIALIZED", [("other", "error")]),
        ("fastai==2.7.14\ntorch==2.2.0\nAttributeError: device", []),
        ("fastai==2.7.14\ntorch==1.13.1\nAttributeError: device", [("fastai-mismatch", "error")]),
        ("RuntimeError: MPS backend out of memory", []),
        ("third-party cp313 wheel is not supported on this platform", []),
    ],
)
def test_texts(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "torch==2.7.1\ntorchvision==0.22.1\nOS: macOS 15.5 (arm64)\noperator torchvision::nms does not exist",
        "OS: macOS 14.0 (arm64)\nTorch not compiled with CUDA enabled",
        "GPU models and configuration: No CUDA\nTorch not compiled with CUDA enabled",
        "NVIDIA GB10 with CUDA capability sm_121 is not compatible with\n"
        "The current PyTorch install supports CUDA capabilities sm_90 sm_120.",
        "Found GPU0 Ellesmere [Radeon RX 580] which is of cuda capability 3.0.\n"
        "PyTorch no longer supports this GPU because it is too old.",
        "OS: macOS 14.5 (arm64)\npynvml.nvml.NVMLError_LibraryNotFound: NVML Shared Library Not Found",
        "Machine: aarch64\nGPU 0: Jetson AGX Orin\nNVMLError_LibraryNotFound: NVML Shared Library Not Found",
        "PyTorch version: 2.3.0+cpu\nCUDA used to build PyTorch: None\nOSError: NVML Shared Library Not Found",
        # Conda blames Python for whatever it cannot solve.
        "conda install pytorch==2.4.0\nto be incompatible with the existing python installation in your environment:\n"
        "  - torchaudio==2.4.0 -> python[version='>=3.13,<3.14.0a0']\nYour python: python==3.10.9",
    ],
)
def test_facts_that_speak_against_a_text(text: str) -> None:
    assert {severity for _, severity in found(text)} == {"warning"}
