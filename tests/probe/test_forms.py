"""Issue forms: a heading and its value below it."""

from __future__ import annotations

import pytest

from compatmatrix.probe.reports.forms import read
from compatmatrix.probe.reports.text import clean


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("### OS\n\nWindows\n", [("os", "Windows")]),
        ("### What Operating System are you using?\n\nWindows 11\n", [("os", "Windows 11")]),
        ("### GPU model\n\nNVIDIA GeForce RTX 4090 24GB\n", [("gpu", "RTX 4090")]),
        ("### What GPU / hardware type are you using?\nGigabyte GeForce RTX™ 3080 VISION OC\n", [("gpu", "RTX 3080")]),
        ("### Python version\n\n3.10.12\n", [("python", "3.10.12")]),
        ("### PyTorch Version\n2.1.2+cu118\n", [("torch", "2.1.2+cu118")]),
    ],
)
def test_a_heading_names_the_fact(text: str, facts: list[tuple[str, str]]) -> None:
    assert [(seen.fact, seen.value) for seen in read(clean(text))] == facts


@pytest.mark.parametrize(
    "text",
    [
        "### OS\n\n_No response_\n",
        "### GPU\n\ncuda\n",
        "### What happened?\n\nWindows\n",
        "### What platforms do you use to access the UI ?\n\nWindows\n",
        "### OS\n### GPU\n",
        "### PyTorch version\nthe newest one\n",
    ],
)
def test_what_is_no_value_tells_nothing(text: str) -> None:
    assert list(read(clean(text))) == []
