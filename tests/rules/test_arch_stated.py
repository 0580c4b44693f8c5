from __future__ import annotations

import pytest

from compatmatrix.model.cuda import Arch, Capability
from compatmatrix.rules.arch_stated import RULE, served_by_list

from .reported import codes

SAYS = "The current PyTorch install supports CUDA capabilities "


@pytest.mark.parametrize(
    "text",
    [
        f"NVIDIA GeForce RTX 3090 with CUDA capability sm_86 is not compatible with\n{SAYS}sm_37 sm_50 sm_70.\n",
        f"NVIDIA GeForce RTX 3090 with CUDA capability sm_86 is not compatible with\n{SAYS}sm_70 compute_37.\n",
        ">>> torch.cuda.get_arch_list()\n['sm_37', 'sm_50']\nGPU 0: Tesla T4\n",
        "CUDA used to build PyTorch: 10.2\nGPU 0: NVIDIA A100-SXM4-40GB\n",
        "PyTorch version: 2.10.0.dev20251021+cu130\nGPU 0: Tesla V100-SXM2-16GB\n",
        "CUDA used to build PyTorch: 9.0\nGPU 0: GeForce RTX 2070\ncuDNN error: CUDNN_STATUS_EXECUTION_FAILED\n",
        "CUDA used to build PyTorch: 9.0\ncompute capability: ['2.1']\n",
    ],
)
def test_no_code(text: str) -> None:
    assert codes(RULE, text) == ["arch-missing"]


@pytest.mark.parametrize(
    "text",
    [
        f"NVIDIA GB10 with CUDA capability sm_121 is not compatible with\n{SAYS}sm_90 sm_100 sm_120.\n",
        ">>> torch.cuda.get_arch_list()\n['sm_70', 'sm_86']\nGPU 0: NVIDIA GeForce RTX 4090\n",
        ">>> torch.cuda.get_arch_list()\n['sm_70', 'compute_70']\nGPU 0: NVIDIA GeForce RTX 3090\n",
        "CUDA used to build PyTorch: 11.0\nGPU 0: NVIDIA GeForce RTX 3090\n",
        "CUDA used to build PyTorch: 9.0\nGPU 0: GeForce RTX 2070\n",
        "CUDA used to build PyTorch: 10.0\nGPU 0: GeForce RTX 2080 Ti\n",
        "CUDA used to build PyTorch: 12.8\nGPU 0: NVIDIA GeForce (24 GB)\n",
        "CUDA used to build PyTorch: None\nGPU 0: NVIDIA A100-SXM4-40GB\n",
    ],
)
def test_code_or_not_known(text: str) -> None:
    assert codes(RULE, text) == []


def test_ptx_counts_where_the_driver_may_translate_it() -> None:
    archs = (Arch.parse("sm_70"), Arch.parse("compute_70"))
    assert served_by_list(archs, Capability(8, 6), ptx=True)
    assert not served_by_list(archs, Capability(8, 6), ptx=False)
    assert not served_by_list(archs, Capability(6, 1), ptx=True)
