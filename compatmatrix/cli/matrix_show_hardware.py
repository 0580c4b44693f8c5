"""What the matrix knows of CUDA releases, GPUs and container images, as tables and as JSON values."""

from __future__ import annotations

from typing import Any, NamedTuple

from compatmatrix.errors import UsageError
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import Build
from compatmatrix.model.cuda import Capability, Cuda
from compatmatrix.rules.case import driver_floor
from compatmatrix.rules.coverage import serves

SYSTEMS = ("linux", "windows")


class Answer(NamedTuple):
    """lines: sentences above the table. data: the same as JSON values."""

    lines: list[str]
    header: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    data: dict[str, Any]


def show_cudas(matrix: Matrix) -> Answer:
    """Every CUDA release: the driver made with it, and the oldest that runs its builds."""
    header = ("CUDA", "its driver (Linux)", "(Windows)", "runs from (Linux)", "(Windows)")
    rows, data = [], []
    for row in matrix.cudas.values():
        drivers = [str(row.drivers.get(system, "-")) for system in SYSTEMS]
        floors = [_floor(matrix, row.cuda, system) for system in SYSTEMS]
        rows.append((row.cuda, *drivers, *floors))
        data.append(dict(zip(_CUDA_KEYS, (str(row.cuda), *drivers, *floors), strict=True)))
    return Answer([], header, rows, {"cuda": data})


_CUDA_KEYS = ("cuda", "driver_linux", "driver_windows", "floor_linux", "floor_windows")


def show_cuda(matrix: Matrix, name: str) -> Answer:
    """One CUDA release: drivers, targets, the torch releases built for it, its images."""
    try:
        cuda = Cuda.parse(name)
    except ValueError as error:
        raise UsageError(str(error), hint="write it as 12.8") from error
    row = matrix.cudas.get(cuda)
    if row is None:
        raise UsageError(f"CUDA {name} is not in the matrix", hint="what is: compatmatrix matrix show cuda")
    torches = [t for t in matrix.torches if any(b.cuda == cuda for b in matrix.builds.get(t, ()))]
    span = f"torch {torches[-1]} to {torches[0]}" if torches else "no torch in the matrix"
    floors = {system: _floor(matrix, cuda, system) for system in SYSTEMS}
    targets = [str(capability) for capability in _targets(matrix, cuda)]
    images = [row["tag"] for row in matrix.tables.get("image", ()) if row.get("cuda") == str(cuda)]
    lines = [
        f"CUDA {cuda}: runs from driver {floors['linux']} on Linux, {floors['windows']} on Windows; "
        f"made with {row.drivers.get('linux', 'no driver of its own')}",
        f"builds for {cuda.tag}: {span}",
    ]
    lines += [f"compiles for {' '.join(targets)}"] if targets else []
    lines += [f"images: {', '.join(images)}"] if images else []
    lines.append(f"seen: {row.evidence.source} ({row.evidence.checked})")
    data = {
        "cuda": str(cuda),
        "drivers": {system: str(driver) for system, driver in row.drivers.items()},
        "floor_linux": floors["linux"],
        "floor_windows": floors["windows"],
        "targets": targets,
        "torch": [str(torch) for torch in torches],
        "images": images,
    }
    return Answer(lines, (), [], data)


def _targets(matrix: Matrix, cuda: Cuda) -> list[Capability]:
    """The capabilities whose first and last toolkit are known and span this one."""
    found = []
    for row in matrix.tables.get("capability", ()):
        first, last = row.get("first-cuda"), row.get("last-cuda")
        if first and Cuda.parse(first) <= cuda and (last is None or cuda <= Cuda.parse(last)):
            found.append(Capability.parse(row["capability"]))
    return found


def _floor(matrix: Matrix, cuda: Cuda, system: str) -> str:
    return str(driver_floor(cuda, system, matrix) or "-")


def show_gpus(matrix: Matrix) -> Answer:
    """Every GPU known by name."""
    rows = [(row.name, row.capability, row.kind) for row in matrix.gpus]
    data = [{"name": row.name, "capability": str(row.capability), "kind": row.kind} for row in matrix.gpus]
    return Answer([], ("GPU", "capability", "kind"), rows, {"gpu": data})


def show_gpu(matrix: Matrix, name: str) -> Answer:
    """One GPU: capability, drivers, and for each build the torch releases that have code for it."""
    gpu = matrix.gpu_names.find(name)
    if gpu.capability is None:
        raise UsageError(f"no such GPU: {name!r}", hint="what is known: compatmatrix matrix show gpu")
    row = matrix.capabilities.get(gpu.capability)
    serving = [
        build
        for torch in matrix.torches
        for build in matrix.builds.get(torch, ())
        if serves(build, gpu.capability, None, build.platform.partition("-")[0], matrix)
    ]
    lines = [f"{gpu.name}: compute capability {gpu.capability}{f' ({row.name})' if row else ''}"]
    if row and row.first_driver:
        lines.append(f"needs driver R{row.first_driver} or later")
    if row and row.last_driver:
        lines.append(f"R{row.last_driver} is the last driver branch that supports it")
    newest = [build for build in serving if build.torch == serving[0].torch]
    tags = list(dict.fromkeys(build.build for build in newest))
    if newest:
        lines.append(f"the last torch with code for it is {newest[0].torch}: {', '.join(tags)}")
    else:
        lines.append("no build in the matrix has code for it")
    rows = _spans(serving, matrix)
    data = {
        "name": gpu.name,
        "capability": str(gpu.capability),
        "last_driver": row.last_driver if row else None,
        "last_torch": str(newest[0].torch) if newest else None,
        "last_builds": tags,
        "builds": [dict(zip(("build", "platform", "first", "last", "driver"), row, strict=True)) for row in rows],
    }
    return Answer(lines, ("build", "platform", "torch from", "to", "driver from"), rows, data)


def _spans(serving: list[Build], matrix: Matrix) -> list[tuple[Any, ...]]:
    """For each build and platform the oldest and the newest torch, and the driver; the newest CUDA first."""
    groups: dict[tuple[str, str], list[Build]] = {}
    for build in serving:
        groups.setdefault((build.build, build.platform), []).append(build)
    rows: list[tuple[Any, ...]] = []
    for tag, platform in sorted(groups, key=lambda key: (tuple(-part for part in build_order(key[0])), key[1])):
        found = sorted(build.torch for build in groups[tag, platform])
        cuda = Cuda.from_tag(tag)
        floor = _floor(matrix, cuda, platform.partition("-")[0]) if cuda else "-"
        rows.append((tag, platform, str(found[0]), str(found[-1]), floor))
    return rows


def show_images(matrix: Matrix, name: str | None) -> Answer:
    """The container images that are known, all or those of one CUDA release, one torch or one tag."""
    found = [row for row in matrix.images.values() if name in (None, str(row.cuda), row.tag, str(row.torch))]
    if not found:
        raise UsageError(f"no image for {name}", hint="what there is: compatmatrix matrix show images")
    rows = [
        (f"{row.repository}:{row.tag}", row.cuda or "-", row.cudnn or "-", row.torch or "-", row.evidence.checked)
        for row in found
    ]
    data = [
        {
            "image": f"{row.repository}:{row.tag}",
            "cuda": str(row.cuda) if row.cuda else "-",
            "cudnn": str(row.cudnn) if row.cudnn else None,
            "torch": str(row.torch) if row.torch else None,
            "checked": row.evidence.checked,
        }
        for row in found
    ]
    return Answer([], ("image", "CUDA", "cuDNN", "torch", "checked"), rows, {"images": data})


def show_conda(matrix: Matrix, name: str | None) -> Answer:
    """torch on conda channels for linux-64, all or one release."""
    found = [row for row in matrix.conda_releases if name in (None, str(row.version), row.channel)]
    if not found:
        raise UsageError(f"no conda package of torch {name}", hint="what there is: compatmatrix matrix show conda")
    rows = [(row.channel, row.version, " ".join(map(str, row.cudas)), " ".join(row.pythons) or "-") for row in found]
    data = [
        {
            "channel": row.channel,
            "torch": str(row.version),
            "cuda": list(map(str, row.cudas)),
            "pythons": list(row.pythons),
        }
        for row in found
    ]
    return Answer([], ("channel", "torch", "CUDA", "Pythons"), rows, {"conda": data})


def build_order(tag: str) -> tuple[int, int]:
    """Sorts build tags by CUDA release; a CPU build first."""
    cuda = Cuda.from_tag(tag)
    return (cuda.major, cuda.minor) if cuda else (0, 0)
