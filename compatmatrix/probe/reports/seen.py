"""What a reader saw: one fact, its value as text, and the line it stands on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

from compatmatrix.probe.reports.text import Line


class Trust(IntEnum):
    """How a version was told; a higher one is believed first."""

    PROSE = 1
    REQUESTED = 2
    LIST = 3
    CONDA = 4
    PIP = 5
    TOLD = 6
    IMPORTED = 7


class Seen(NamedTuple):
    """fact: a package's name, or one of FACTS. package: whether it is the former. value: as it stands there.

    trust: how it was told.
    """

    fact: str
    value: str
    line: int
    trust: Trust = Trust.TOLD
    package: bool = False


FACTS = (
    "python", "os", "platform", "machine", "libc", "driver", "driver-cuda", "gpu", "capability", "torch-cuda",
    "cuda-available", "archs", "image", "toolkit", "library-path", "installer", "requested", "offered", "conflict",
    "offered-of", "no-gpu", "mig", "conda-torch", "index-tag", "unmet", "rocm", "amd", "dispute",
    "refused",
)  # fmt: skip

Reader = Callable[[Sequence[Line]], Iterator[Seen]]

PACKAGES = frozenset({
    "bitsandbytes", "cpuonly", "cuda-toolkit", "cuda-version", "cudatoolkit", "cudnn", "easyocr", "fastai",
    "fastai2", "fastcore", "fastdownload", "fastprogress", "fasttransform", "functorch", "intel-openmp",
    "lightning", "matplotlib", "mkl", "nbdev", "nccl", "numpy", "opencv-python", "pandas", "pillow",
    "pillow-simd", "plum-dispatch", "pytorch-cuda", "pytorch-lightning", "pytorch-mutex", "scipy", "setuptools",
    "spacy", "timm", "torch", "torchaudio", "torchdata", "torchmetrics", "torchtext", "torchvision",
    "transformers", "triton", "vllm", "xformers",
})  # fmt: skip
"""Packages whose version is taken from a bare "name version" line; in a list of packages, all are."""

_NAMES = {
    "pytorch": "torch",
    "pytorch-gpu": "torch",
    "pytorch-cpu": "torch",
    "pytorch-nightly": "torch",
    "pil": "pillow",
    "vision": "torchvision",
}


def plain_name(name: str) -> str:
    """A distribution's normalised name; conda's pytorch is torch."""
    normal = name.strip().lower().replace("_", "-").replace(".", "-")
    return _NAMES.get(normal, normal)
