"""Facts in a row: in a sentence, in brackets, one a line of a chat."""

from __future__ import annotations

import pytest

from compatmatrix.probe.reports.listing import read
from compatmatrix.probe.reports.text import clean


def told(text: str) -> set[tuple[str, str]]:
    return {(one.fact, one.value) for one in read(clean(text))}


def test_a_sentence() -> None:
    found = told(
        "Hi, I'm on Ubuntu 18.04.3 LTS, py 3.6, torch 1.5.0 (built for cuda 10.2), with torchvision 0.6.0 and numpy "
        "1.17.4, 4 of them: P100-PCIE-16GB, driver is 410.104, nvidia-smi shows CUDA Version 10.0, installed with pip "
        "in conda env. No GPU is found."
    )
    assert found == {
        ("os", "Ubuntu 18.04.3 LTS"), ("python", "3.6"), ("torch", "1.5.0"), ("torch-cuda", "10.2"),
        ("torchvision", "0.6.0"), ("numpy", "1.17.4"), ("gpu", "P100-PCIE-16GB"), ("driver", "410.104"),
        ("driver-cuda", "10.0"), ("installer", "pip in conda env"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "It fails since I updated, it was fine before (Linux aarch64 / Python 3.8 / Jetson AGX Orin / driver 540.4.0)",
        "[19:37] mara: I'm on Linux (aarch64)\n[19:38] mara: Python is 3.8\n[19:39] mara: my gpu: Jetson AGX Orin",
        "env: os=Linux aarch64, python=3.8, GPU=Jetson AGX Orin",
        "\u7cfb\u7edf\u662fLinux\uff08aarch64\uff09\uff0cpython3.8\uff0c\u663e\u5361\u662fJetson AGX Orin\u3002",
        "Bonjour, j'utilise Linux aarch64, Python 3.8, Jetson AGX Orin.",
    ],
)
def test_other_rows(text: str) -> None:
    found = told(text)
    assert {("python", "3.8"), ("gpu", "Jetson AGX Orin")} <= found
    assert any(fact == "os" and value.startswith("Linux") for fact, value in found)


@pytest.mark.parametrize(
    "text",
    [
        "It requires Ubuntu 20.04, Python 3.8, torch 1.8.0, an RTX 3090.",
        "Tested on Ubuntu 20.04, Python 3.8, torch 1.8.0, an RTX 3090.",
        "I use Python 3.8, torch 1.8.0.",
        "Ubuntu 20.04, Python 3.8, torch>=1.8.0, numpy<2",
        "Which one of Python 3.8, torch 1.8.0, numpy 1.21.0 is at fault?",
    ],
)
def test_stories_and_pairs_tell_nothing(text: str) -> None:
    assert told(text) == set()
