"""The build has code for a GPU, but its cuDNN has none: elementwise work runs, the first convolution fails."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from packaging.version import Version

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import Build
from compatmatrix.matrix.tokens import load_tokens
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope


def check(case: Case) -> Iterator[Finding]:
    build = case.build
    cudnn = cudnn_of(build, case.matrix) if build else None
    if build is None or cudnn is None:
        return
    for gpu in dict.fromkeys(case.host.gpus.value or ()):
        for floor in load_tokens().cudnn_floors:
            if gpu.capability and cudnn >= floor.version and gpu.capability < floor.capability:
                yield Finding(
                    RULE.code,
                    Severity.ERROR,
                    f"cuDNN {cudnn} of torch {build.torch} for {build.build} has no kernels for {gpu}: cuDNN "
                    f"{floor.version} "
                    f"and later begin at {floor.capability}, so convolutions fail",
                    "take a torch with an older cuDNN: compatmatrix explain",
                    packages=("torch",),
                    evidence=(floor.evidence, build.evidence),
                )
                break


def cudnn_of(build: Build, matrix: Matrix) -> Version | None:
    """The cuDNN of a build; None where the matrix does not know it."""
    text = _cudnns(matrix).get((str(build.torch), build.build, build.platform, build.index))
    return Version(text) if text else None


@lru_cache(maxsize=4)
def _cudnns(matrix: Matrix) -> dict[tuple[str, str, str, str], str]:
    return {
        (row["torch"], row["build"], row["platform"], row["index"]): row["cudnn"]
        for row in matrix.tables["build"]
        if "cudnn" in row
    }


RULE = Rule("arch-missing", "cuDNN has no kernels for a GPU that the build itself serves", Scope.HOST, check)
