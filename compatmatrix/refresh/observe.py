"""What an index says of a project's releases, as rows in the columns of the matrix."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from packaging.requirements import Requirement
from packaging.version import Version

from compatmatrix.matrix.rows import specifiers
from compatmatrix.model.cuda import Cuda
from compatmatrix.refresh.remote import BrokenWheel, Metadata, Wheel, members, metadata, wheels

Progress = Callable[[str], None]

_ENVIRONMENTS = {
    "linux-x86_64": {"platform_system": "Linux", "sys_platform": "linux", "platform_machine": "x86_64"},
    "linux-aarch64": {"platform_system": "Linux", "sys_platform": "linux", "platform_machine": "aarch64"},
    "windows-amd64": {"platform_system": "Windows", "sys_platform": "win32", "platform_machine": "AMD64"},
}
_WORKERS = 8


class Row(NamedTuple):
    """A row as an index tells it. wheel: the one that was read, for evidence. cells: by the matrix's columns."""

    table: str
    cells: dict[str, Any]
    wheel: Wheel


def torch_builds(index_url: str, index: str, wanted: Callable[[Version], bool], progress: Progress) -> list[Row]:
    """The builds of torch on an index, one row a release, build and platform; wanted: which releases.

    index: "pypi" or "pytorch", as the matrix names it. Raises IndexUnavailable.
    """
    groups: dict[tuple[Version, str], list[Wheel]] = {}
    for wheel in wheels(index_url, "torch"):
        named = index == "pypi" or wheel.version.local
        if named and wheel.platform and wanted(Version(wheel.version.public)):
            groups.setdefault((wheel.version, wheel.platform), []).append(wheel)
    return _in_parallel(lambda group: _build(index, group), sorted(groups.values(), key=_order), progress)


def _order(group: list[Wheel]) -> tuple[Version, str]:
    return group[0].version, group[0].platform


def _build(index: str, group: list[Wheel]) -> Row:
    wheel = min(group, key=lambda each: (each.python != "3.11", each.python.endswith("t"), each.name))
    declared = metadata(wheel)
    cells: dict[str, Any] = {
        "torch": wheel.version.public,
        "build": wheel.version.local if index == "pytorch" else build_tag(wheel, declared),
        "platform": wheel.platform,
        "index": index,
        "pythons": _pythons(group),
        "wheel": min(each.tag for each in group),
    }
    for column, package in (("cudnn", "nvidia-cudnn"), ("nccl", "nvidia-nccl")):
        pinned = _pin(declared, wheel.platform, rf"{package}-cu\d+")
        if pinned and cells["build"] != "cpu":
            cells[column] = pinned
    return Row("build", cells, wheel)


def build_tag(wheel: Wheel, declared: Metadata) -> str:
    """The build of a wheel that does not name it: by the CUDA packages that it requires, else by its version.py."""
    if wheel.version.local:
        return wheel.version.local
    if wheel.platform.startswith("macos"):
        return "cpu"
    pinned = _pin(declared, wheel.platform, r"cuda-toolkit|nvidia-cuda-runtime-cu\d+|nvidia-cuda-runtime")
    if pinned is None:
        # Before the CUDA packages were wheels of their own only the wheel itself tells.
        (text,) = members(wheel, r"torch/version\.py")
        match = re.search(rb"^cuda[^=\n]*=\s*['\"]([\d.]+)['\"]", text, re.MULTILINE)
        pinned = match[1].decode() if match else None
    return Cuda.parse(".".join(pinned.split(".")[:2])).tag if pinned else "cpu"


def _pin(declared: Metadata, platform: str, pattern: str) -> str | None:
    """The version that is pinned for a package on a platform."""
    for requirement in declared.requires:
        if re.fullmatch(pattern, requirement.name) and _applies(requirement, platform):
            pinned = re.fullmatch(r"==\s*([\d.]+?)(\.\*)?", str(requirement.specifier))
            if pinned:
                return pinned[1]
    return None


def _applies(requirement: Requirement, platform: str) -> bool:
    environment = {**_ENVIRONMENTS.get(platform, {}), "extra": "", "python_version": "3.11"}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def partners(index_url: str, name: str, wanted: Callable[[Version], bool], progress: Progress) -> list[Row]:
    """The releases of torchvision or torchaudio, as their Linux wheels tell."""

    def read(group: list[Wheel]) -> Row:
        wheel = min(group, key=lambda each: (each.python != "3.11", each.name))
        cells: dict[str, Any] = {"version": str(wheel.version), "torch": _requirement(metadata(wheel), "torch")}
        if all(each.python for each in group):
            cells["pythons"] = _pythons(group)
        return Row(name, {**cells, "yanked": all(each.yanked for each in group)}, wheel)

    linux = (wheel for wheel in wheels(index_url, name) if wheel.platform == "linux-x86_64" and not wheel.version.local)
    return _in_parallel(read, _by_version(linux, wanted), progress)


def fastais(
    index_url: str, packages: Iterable[str], wanted: Callable[[Version], bool], progress: Progress
) -> list[Row]:
    """The releases of fastai with what they declare for the given packages."""
    names = sorted(packages)

    def read(group: list[Wheel]) -> Row:
        declared = metadata(group[0])
        requires = {name: spec for name in names if (spec := _requirement(declared, name))}
        cells = {"version": str(group[0].version), "python": declared.python, "requires": requires}
        return Row("fastai", {**cells, "yanked": all(each.yanked for each in group)}, group[0])

    return _in_parallel(read, _by_version(wheels(index_url, "fastai"), wanted), progress)


def _requirement(declared: Metadata, name: str) -> str:
    """What is declared for a package, in the matrix's spelling: lower bounds first, no build."""
    specs = [str(req.specifier) for req in declared.requires if req.name.lower().replace("_", "-") == name]
    parts = [part for spec in specs for part in re.sub(r"\+\w+", "", spec).split(",") if part]
    return ",".join(sorted(parts, key=lambda part: (part.startswith("<"), part)))


def _by_version(found: Iterable[Wheel], wanted: Callable[[Version], bool]) -> list[list[Wheel]]:
    groups: dict[Version, list[Wheel]] = {}
    for wheel in found:
        if wanted(wheel.version):
            groups.setdefault(wheel.version, []).append(wheel)
    return [groups[version] for version in sorted(groups)]


def _pythons(group: Iterable[Wheel]) -> list[str]:
    found = {wheel.python for wheel in group if wheel.python}
    return sorted(found, key=lambda text: (Version(text.rstrip("t")), text.endswith("t")))


def same(column: str, one: Any, other: Any) -> bool:
    """Whether two cells say the same: lists in any order, specifiers in any spelling, yanked for whatever reason."""
    if column == "yanked":
        return bool(one) == bool(other)
    if column == "requires":
        names = {*(one or {}), *(other or {})}
        return all(same("torch", (one or {}).get(name, ""), (other or {}).get(name, "")) for name in names)
    if isinstance(one, list) and isinstance(other, list):
        return sorted(one) == sorted(other)
    if column in ("torch", "python"):
        return specifiers(one or "") == specifiers(other or "")
    return bool(one == other)


def _in_parallel(read: Callable[[list[Wheel]], Row], groups: list[list[Wheel]], progress: Progress) -> list[Row]:
    def usable(group: list[Wheel]) -> Row | None:
        try:
            return read(group)
        except BrokenWheel:
            return None

    with ThreadPoolExecutor(_WORKERS) as pool:
        return list(_reported(pool.map(usable, groups), len(groups), progress))


def _reported(rows: Iterable[Row | None], total: int, progress: Progress) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        if row is not None:
            release = row.cells["torch" if row.table == "build" else "version"]
            progress(f"{row.table} {release} ({number}/{total})")
            yield row
