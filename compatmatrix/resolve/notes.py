"""Sentences for the reader of a decision: what was given up, for which GPU or driver, and what would unlock it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from packaging.version import Version

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import Build
from compatmatrix.model.decision import Rejection
from compatmatrix.model.host import Gpu
from compatmatrix.resolve.question import Question
from compatmatrix.rules.coverage import serves, usable_gpus


def notes_on(question: Question, matrix: Matrix, rejected: Sequence[Rejection], taken: Build | None) -> Iterator[str]:
    """What the reader should know of a decision. taken: the chosen build, None where nothing fits."""
    gpus = list(dict.fromkeys(usable_gpus(question.host, matrix)))
    yield from _jetsons(matrix, gpus, taken)
    if not gpus or not rejected:
        if taken is not None and taken.cuda is None and gpus:
            yield _cpu_only(question, matrix, gpus)
        return
    if taken is not None and taken.cuda is None:
        yield _cpu_only(question, matrix, gpus)
    else:
        yield from _last_for_gpus(question, matrix, gpus, taken)
    if len({gpu.capability for gpu in gpus}) > 1:
        yield from _no_single_wheel(question, matrix, gpus, taken)
    yield from end_of_driver_support(matrix, gpus)


def _jetsons(matrix: Matrix, gpus: Sequence[Gpu], taken: Build | None) -> Iterator[str]:
    ours = "this is PyTorch's own build; " if taken and taken.cuda else ""
    for gpu in gpus:
        row = matrix.capabilities.get(gpu.capability) if gpu.capability else None
        if row and row.tegra:
            yield f"{gpu} is a Tegra part (Jetson): {ours}what NVIDIA builds for its JetPack is not in this matrix"


def _cpu_only(question: Question, matrix: Matrix, gpus: Sequence[Gpu]) -> str:
    platform = question.host.platform.value or ""
    if platform.startswith("macos-"):
        return f"there is no CUDA for macOS: {_names(gpus)} cannot be used there"
    if not any(build.cuda for torch in matrix.torches for build in matrix.builds_for(torch, platform)):
        return f"the matrix has no CUDA builds for {platform} yet: a CPU build was chosen, the GPU stays unused"
    return f"no torch in the matrix has code for {_names(gpus)}: a CPU build was chosen"


def _names(gpus: Sequence[Gpu]) -> str:
    return " and ".join(map(str, gpus))


def torches_serving(question: Question, matrix: Matrix, gpu: Gpu) -> list[Version]:
    """The torch releases, newest first, that have any build with code for a GPU, whatever the driver."""
    platform = question.host.platform.value or ""
    if gpu.capability is None:
        return []
    return [
        torch
        for torch in matrix.torches
        if any(
            build.cuda and serves(build, gpu.capability, None, question.host.driver_system, matrix)
            for build in matrix.builds_for(torch, platform)
        )
    ]


def builds_serving(question: Question, matrix: Matrix, gpu: Gpu, torch: Version) -> list[str]:
    """The tags of the builds of a torch release that have code for a GPU, whatever the driver."""
    builds = matrix.builds_for(torch, question.host.platform.value or "")
    system = question.host.driver_system
    serving = (b.build for b in builds if b.cuda and gpu.capability and serves(b, gpu.capability, None, system, matrix))
    return list(dict.fromkeys(serving))


def _last_for_gpus(question: Question, matrix: Matrix, gpus: Sequence[Gpu], taken: Build | None) -> Iterator[str]:
    platform = question.host.platform.value or ""
    newest = next((t for t in matrix.torches if any(b.cuda for b in matrix.builds_for(t, platform))), None)
    for gpu in gpus:
        serving = torches_serving(question, matrix, gpu)
        if serving and serving[0] != newest:
            builds = builds_serving(question, matrix, gpu, serving[0])
            yield (f"torch {serving[0]} ({', '.join(builds)}) is the last with code for {gpu}; the newest is {newest}")
        elif serving and serving[-1] != next(reversed(matrix.torches)) and taken is None:
            yield f"torch {serving[-1]} is the first with code for {gpu}"


def _no_single_wheel(question: Question, matrix: Matrix, gpus: Sequence[Gpu], taken: Build | None) -> Iterator[str]:
    platform, system = question.host.platform.value or "", question.host.driver_system

    def all_served(build: Build) -> bool:
        return bool(build.cuda) and all(
            gpu.capability and serves(build, gpu.capability, None, system, matrix) for gpu in gpus
        )

    newest = next((t for t in matrix.torches if matrix.builds_for(t, platform)), None)
    if newest is None:
        return
    if not any(all_served(build) for build in matrix.builds_for(newest, platform)):
        best = next((b for t in matrix.torches for b in matrix.builds_for(t, platform) if all_served(b)), None)
        common = (
            f"the newest single wheel for all is torch {best.torch} ({best.build})"
            if best
            else "no torch in the matrix has one wheel for all; lock for each GPU by itself"
        )
        yield f"no single wheel of torch {newest} serves {_names(gpus)} together: {common}"


def end_of_driver_support(matrix: Matrix, gpus: Sequence[Gpu]) -> Iterator[str]:
    """Which GPUs are out of driver support, and since which branch."""
    for gpu in gpus:
        row = matrix.capabilities.get(gpu.capability) if gpu.capability else None
        if row and row.last_driver:
            yield f"R{row.last_driver} is the last driver branch for {gpu} ({row.name})"
