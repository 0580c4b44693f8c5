from __future__ import annotations

import pytest

from compatmatrix.rules.driver_missing import RULE

from .reported import codes

FALSE = "torch.cuda.is_available() returns False\n"
ENVIRONMENT = """\
PyTorch version: 2.3.1+cu121
CUDA used to build PyTorch: 12.1
OS: Ubuntu 22.04.4 LTS (x86_64)
Is CUDA available: False
GPU models and configuration: Could not collect
Nvidia driver version: Could not collect
"""


@pytest.mark.parametrize("words", ["torch.cuda.is_available() returns False", "cuda available always return false"])
def test_somebody_misses_cuda(words: str) -> None:
    assert codes(RULE, f"{words}\n{ENVIRONMENT}") == ["other"]


IMAGE = "nvidia-docker run --rm -ti --ipc=host pytorch/pytorch:latest\n"


def test_an_image_of_pytorch_without_a_gpu() -> None:
    assert codes(RULE, f"{IMAGE}torch.cuda.is_available() returns False\n") == ["container-driver"]


@pytest.mark.parametrize(
    "text",
    [
        IMAGE,
        f"{IMAGE}torch.cuda.is_available() returns False\nFound no NVIDIA driver on your system\n",
        f"{IMAGE}torch.cuda.is_available() returns False\nNvidia driver version: 535.54.03\n",
        ENVIRONMENT,
        f"I run this on the head node, where CUDA is not available\n{ENVIRONMENT}",
        f"{FALSE}{ENVIRONMENT.replace('version: Could not collect', 'version: 535.54.03')}",
        f"{FALSE}{ENVIRONMENT.replace('Ubuntu 22.04.4 LTS (x86_64)', 'Windows 11')}",
        f"{FALSE}{ENVIRONMENT.replace('+cu121', '+cpu').replace('12.1', 'None')}",
    ],
)
def test_silence(text: str) -> None:
    assert codes(RULE, text) == []
