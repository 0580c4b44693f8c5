"""What a post asks about is a request; a question is no state."""

from __future__ import annotations

import pytest

from compatmatrix.probe.reports.text import clean
from compatmatrix.probe.reports.wishes import asks, read


def told(text: str) -> list[str]:
    return [f"{one.fact} {one.value}" for one in read(clean(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Is fastai 2.7.12 compatible with torch 2.2?", ["requested fastai==2.7.12", "requested torch==2.2.0"]),
        (
            "Fastai (2.7.12) is not compatible with torch (2.1.0)",
            ["requested fastai==2.7.12", "requested torch==2.1.0"],
        ),
        ("Does torch 1.13.1 support Python 3.12?", ["requested torch==1.13.1", "python 3.12"]),
        ("How can I install PyTorch 2.4.0 on this laptop?", ["requested torch==2.4.0"]),
        ("I'm trying to install torchvision 0.14.1 with Python 3.12", ["requested torchvision==0.14.1", "python 3.12"]),
        ("torch 2.1 works with numpy 2.0 here", []),
        ("I want to use torch 2.1.0 or torch 2.2.0", []),
        ("fastai needs torch < 2.6", []),
    ],
)
def test_requests(text: str, expected: list[str]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    ("sentence", "asked"),
    [
        ("Does torch 2.0.1 work with numpy 2.1?", True),
        ("Which torch is right for CUDA 11.4?", True),
        ("Why does torch 2.0.1 crash with numpy 2.1?", False),
        ("I have torch 2.0.1 and numpy 2.1, is that ok?", False),
        ("I use torch 2.0.1.", False),
    ],
)
def test_a_question(sentence: str, asked: bool) -> None:
    assert asks(sentence) is asked
