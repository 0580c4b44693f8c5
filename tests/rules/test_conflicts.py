from __future__ import annotations

import pytest

from compatmatrix.rules.conflicts import RULE

from .reported import codes, found


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (
            "torchvision 0.14.1 requires torch==1.13.1, but you have torch 2.0.0 which is incompatible.\n",
            "torchvision-mismatch",
        ),
        ("torchaudio 2.0.1 has requirement torch==2.0.0, but you have torch 1.13.1.\n", "torchaudio-mismatch"),
        (
            "fastai 2.0.18 has requirement fastcore<1.3,>=1.1, but you'll have fastcore 1.3.1 which is incompatible.\n",
            "fastai-mismatch",
        ),
    ],
)
def test_what_pip_says(text: str, code: str) -> None:
    assert codes(RULE, text) == [code]


@pytest.mark.parametrize(
    "text",
    [
        "tensorboard 2.1 requires grpcio>=1.24, but you have grpcio 1.20 which is incompatible.\n",
        "torchvision 0.14.1 requires torch==1.13.1, but you have torch 1.13.1+cu117 which is incompatible.\n",
        "torchvision 0.14.1 requires torch==1.13.1.\n",
    ],
)
def test_silence(text: str) -> None:
    assert codes(RULE, text) == []


def test_what_falls_with_a_partner_is_no_error_of_its_own() -> None:
    text = (
        "torchtext 0.16.0 requires torch==2.1.0, but you have torch 2.0.1 which is incompatible.\n"
        "torchvision 0.16.0 requires torch==2.1.0, but you have torch 2.0.1 which is incompatible.\n"
    )
    assert found(RULE, text) == [("other", "warning"), ("torchvision-mismatch", "error")]


def test_what_a_resolver_says() -> None:
    text = "The conflict is caused by:\n  The user requested torch==2.7.0\n  fastai 2.7.18 depends on torch<2.6\n"
    assert codes(RULE, text) == ["fastai-mismatch"]
