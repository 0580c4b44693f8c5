from __future__ import annotations

import pytest

from compatmatrix.rules.musl import RULE

from .reported import codes


@pytest.mark.parametrize(
    "text",
    [
        "OS: Alpine Linux\nnvidia-cublas-cu12==12.4.5.8\n",
        "musl libc (x86_64)\n>>> torch.version.cuda\n'12.4'\n",
    ],
)
def test_musl(text: str) -> None:
    assert codes(RULE, text) == ["platform-unsupported"]


@pytest.mark.parametrize(
    "text",
    [
        "OS: Ubuntu 22.04\nnvidia-cublas-cu12==12.4.5.8\n",
        "OS: Alpine Linux\nnumpy==1.26.4\n",
        "OS: Alpine Linux\ntorch==2.3.0\nnvidia-cublas-cu12==12.4.5.8\n",
    ],
)
def test_silence(text: str) -> None:
    assert codes(RULE, text) == []
