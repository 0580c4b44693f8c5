from __future__ import annotations

import pytest

from compatmatrix.rules.container_driver import RULE

from .reported import codes

COMPAT = "OS: Linux\n| NVIDIA-SMI 470.161.03   Driver Version: 470.161.03   CUDA Version: 11.7     |\n"
GEFORCE = "GPU 0: GeForce RTX 3090\n"


@pytest.mark.parametrize(
    "text",
    [
        f"{COMPAT}{GEFORCE}torch.cuda.is_available() False\n",
        f"{COMPAT}Error 804: forward compatibility was attempted on non supported HW\n",
    ],
)
def test_compat_libraries_that_are_refused(text: str) -> None:
    assert codes(RULE, text) == ["container-driver", "driver-too-old"]


@pytest.mark.parametrize(
    "text",
    [
        f"{COMPAT}{GEFORCE}",
        f"{COMPAT}GPU 0: Tesla V100-SXM2-16GB\ntorch.cuda.is_available() False\n",
        f"{COMPAT}{GEFORCE}torch.cuda.is_available() False\nIs CUDA available: True\n",
        "OS: Linux\n| NVIDIA-SMI 470.161.03   Driver Version: 470.161.03   CUDA Version: 11.4     |\n"
        f"{GEFORCE}torch.cuda.is_available() False\n",
    ],
)
def test_silence(text: str) -> None:
    assert codes(RULE, text) == []
