from __future__ import annotations

import pytest

from compatmatrix.rules.cpu_build_stated import RULE

from .reported import codes

GPU = "GPU 0: NVIDIA GeForce RTX 3090\n"


@pytest.mark.parametrize(
    "text",
    [
        f">>> torch.version.cuda\nNone\n{GPU}",
        f"PyTorch version: 2.10.0.dev20251021+cpu\n{GPU}",
        f"OS: Windows 11\n{GPU}torch.cuda.is_available() False\nNvidia driver version: 551.86\n",
        "OS: Linux (Jetson Orin)\nMachine: aarch64\ntorch.cuda.is_available() False\n",
        f"OS: Windows 11\n{GPU}pip install torch --extra-index-url https://download.pytorch.org/whl/cu114\n",
    ],
)
def test_a_cpu_build(text: str) -> None:
    assert codes(RULE, text) == ["cpu-build-on-gpu"]


@pytest.mark.parametrize(
    "text",
    [
        ">>> torch.version.cuda\nNone\nGPU models and configuration: No CUDA\n",
        f">>> torch.version.cuda\n'12.1'\n{GPU}torch.cuda.is_available() False\n",
        f"PyTorch version: 1.5.0+cu101\n{GPU}torch.cuda.is_available() False\n",
        f"{GPU}torch.cuda.is_available() False\nNvidia driver version: 390.46\n",
        f"{GPU}torch.cuda.is_available() False\nError 804: forward compatibility was attempted on non supported HW\n",
        f"{GPU}CUDA used to build PyTorch: N/A\n",
        f"OS: Windows 11\n{GPU}pip install torch --extra-index-url https://download.pytorch.org/whl/cu118\n",
        "torch.cuda.is_available() False\n",
    ],
)
def test_silence(text: str) -> None:
    assert codes(RULE, text) == []
