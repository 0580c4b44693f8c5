"""nvidia/cuda images for a build, from the matrix: only tags that exist."""

from __future__ import annotations

import re
from typing import Any

from compatmatrix.errors import UsageError
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.cuda import Cuda

REPOSITORY = "nvidia/cuda"


def cuda_image(build: str, flavour: str, matrix: Matrix) -> str:
    """The newest image of the build's CUDA, "nvidia/cuda:…"; of the nearest minor where that CUDA has none.

    flavour: "base" (no libraries: the wheels bring them), "runtime" or "devel" (with nvcc). Raises UsageError for a
    build without CUDA, and where the matrix knows no image of its family.
    """
    cuda = Cuda.from_tag(build)
    if cuda is None:
        raise UsageError(f"an nvidia/cuda image for the build {build!r}, which has no CUDA", hint="leave out --base")
    rows = [
        row
        for row in matrix.tables.get("image", ())
        if row["repository"] == REPOSITORY and row.get("flavour") == flavour and "cuda" in row and "cudnn" not in row
    ]
    family = [row for row in rows if Cuda.parse(row["cuda"]).major == cuda.major]
    if not family:
        raise UsageError(
            f"the matrix knows no {REPOSITORY} image with {flavour} for CUDA {cuda.major}", hint="leave out --base"
        )
    return f"{REPOSITORY}:{max(family, key=lambda row: _nearness(row, cuda))['tag']}"


def _nearness(row: dict[str, Any], cuda: Cuda) -> tuple[int, int, list[int]]:
    """The same CUDA before all; else the nearest, newer before older; then the newest patch and system."""
    distance = Cuda.parse(row["cuda"]).minor - cuda.minor
    return -abs(distance), distance, [int(number) for number in re.findall(r"\d+", row["tag"])]
