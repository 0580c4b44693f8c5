from __future__ import annotations

import pytest

from compatmatrix.rules.driver_stated import RULE

from .reported import codes

HEAD = "PyTorch version: 1.4.0\nOS: Ubuntu 18.04\n"


@pytest.mark.parametrize(
    "text",
    [
        "OS: Linux\nDriver Version: 410.78 torch\nNvidia driver version: 410.79\nCUDA used to build PyTorch: 10.2\n",
        "CUDA used to build PyTorch: 10.2\nNVIDIA-SMI N/A  Driver Version: N/A  CUDA Version: 10.1\n",
        "CUDA used to build PyTorch: 12.1\nNVIDIA-SMI N/A  Driver Version: N/A  CUDA Version: 11.8\n",
        "PyTorch version: 1.3.0\nOS: Linux\nNvidia driver version: 410.48\n",
        "torch.cuda.is_available() False\nOS: Linux\nNvidia driver version: 418.56\n",
        "OS: Windows 10\nCUDA used to build PyTorch: 10.2\nNvidia driver version: 440.97\n",
    ],
)
def test_too_old(text: str) -> None:
    assert codes(RULE, text) == ["driver-too-old"]


@pytest.mark.parametrize(
    "text",
    [
        "CUDA used to build PyTorch: 10.2\nNVIDIA-SMI N/A  Driver Version: N/A  CUDA Version: 10.2\n",
        "CUDA used to build PyTorch: 12.8\nNVIDIA-SMI N/A  Driver Version: N/A  CUDA Version: 12.2\n",
        "OS: Linux\nCUDA used to build PyTorch: 10.2\nNvidia driver version: 440.33.01\n",
        "OS: Linux\nPyTorch version: 2.10.0.dev20251021+cu128\nNvidia driver version: 535.183.01\n",
        "OS: Linux\nCUDA used to build PyTorch: None\nNvidia driver version: 390.46\n",
        "OS: Linux\nCUDA used to build PyTorch: 10.2\nNvidia driver version: 390.46\nIs CUDA available: True\n",
        "GPU models and configuration: No CUDA\nCUDA used to build PyTorch: 10.2\n",
        "torch.cuda.is_available() False\nOS: Linux\nNvidia driver version: 470.10.01\n",
        "conda install pytorch\nPyTorch version: 1.3.0\nOS: Linux\nNvidia driver version: 410.48\n",
        "Driver Version: 535\n",
    ],
)
def test_new_enough_or_not_known(text: str) -> None:
    assert codes(RULE, text) == []
