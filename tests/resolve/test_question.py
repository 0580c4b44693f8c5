from __future__ import annotations

import pytest

from compatmatrix.errors import UsageError
from compatmatrix.resolve.question import parse_requirements


@pytest.mark.parametrize(
    "text",
    ["torch", "Torch==2.5", "fastai[dev]>=2.7", "fastapi", "timm @ https://example.com/timm-1.0-py3-none-any.whl"],
)
def test_what_pip_takes(text: str) -> None:
    assert [str(one) for one in parse_requirements([text])] == [text]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("torch=2.5.1", "written with =="),
        ("git+https://example.com/fastai", "name the package: NAME @ ADDRESS"),
        ("https://example.com/torch.whl", "name the package: NAME @ ADDRESS"),
        ("./here", "files and folders are not requirements"),
        ("-e .", "files and folders are not requirements"),
        ("", "is not a requirement"),
        ("torch @ https://example.com/torch.whl", "which knows no addresses"),
        ("pytorch==2.5.1", "the package is called torch"),
        ("torch-vision", "the package is called torchvision"),
    ],
)
def test_what_it_does_not(text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_requirements(["timm", text])
    (problem,) = caught.value.problems
    assert why in problem


def test_all_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        parse_requirements(["torch=1", "pytorch", "./x"])
    assert len(caught.value.problems) == 3
