"""Which build an index serves, by its address: the PyTorch index and its mirrors have one folder for each build."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Packages that the PyTorch index serves once for each build.
BUILT = frozenset({"torch", "torchvision", "torchaudio"})


def build_of(url: str) -> str | None:
    """The build tag at the end of an index's address ("cu126", "cpu", "rocm6.2"), None where there is none."""
    match = re.search(r"/(cu\d{2,4}|cpu|rocm\d+(?:\.\d+)*|xpu)(?:/simple)?/?(?:[?#].*)?$", url)
    return match[1] if match else None


def one_build(urls: Iterable[str]) -> str | None:
    """The build of several indexes that are all asked; None where none or more than one is named."""
    found = {build for url in urls if (build := build_of(url))}
    return found.pop() if len(found) == 1 else None
