"""What an index says of a project's releases, as rows in the columns of the matrix.

A project page alone tells Pythons, platform tags and what was yanked. The rest is in METADATA, which never changes once
a wheel is published, so it is read for those rows only that the caller names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from packaging.requirements import Requirement
from packaging.version import Version

from compatmatrix.model.cuda import Cuda
from compatmatrix.refresh.remote import BrokenWheel, Metadata, Wheel, members, metadata, wheels
from compatmatrix.refresh.workers import in_parallel

Progress = Callable[[str], None]
Cells = dict[str, Any]
Wanted = Callable[[Version], bool]

_ENVIRONMENTS = {
    "linux-x86_64": {"platform_system": "Linux", "sys_platform": "linux", "platform_machine": "x86_64"},
    "linux-aarch64": {"platform_system": "Linux", "sys_platform": "linux", "platform_machine": "aarch64"},
    "windows-amd64": {"platform_system": "Windows", "sys_platform": "win32", "platform_machine": "AMD64"},
}
_PINNED = {"cudnn": r"nvidia-cudnn-cu\d+", "nccl": r"nvidia-nccl-cu\d+", "triton": r"(pytorch-)?triton"}


class Row(NamedTuple):
    """A row as an index tells it. wheel: the one that was read, for evidence. cells: by the matrix's columns.

    Where METADATA was not read, its columns are missing.
    """

    table: str
    cells: Cells
    wheel: Wheel


class Ask(NamedTuple):
    """What is wanted of an index. wanted: which releases. unread: rows, by their cells so far, whose METADATA is
    known already."""

    wanted: Wanted
    unread: Callable[[Cells], bool] = lambda _: False
    progress: Progress = lambda _: None


def torch_builds(index_url: str, index: str, ask: Ask) -> list[Row]:
    """The builds of torch on an index, one row a release, build and platform, and a "torch" row a yanked release.

    index: "pypi" or "pytorch", as the matrix names it. Raises IndexUnavailable.
    """
    groups: dict[tuple[Version, str], list[Wheel]] = {}
    releases: dict[Version, list[Wheel]] = {}
    for wheel in wheels(index_url, "torch"):
        named = index == "pypi" or wheel.version.local
        if named and wheel.platform and ask.wanted(Version(wheel.version.public)):
            groups.setdefault((wheel.version, wheel.platform), []).append(wheel)
            releases.setdefault(wheel.version, []).append(wheel)
    yanked = [
        Row("torch", {"version": str(release), "yanked": True}, group[0])
        for release, group in releases.items()
        if index == "pypi" and all(wheel.yanked for wheel in group)
    ]
    ordered = sorted(groups.values(), key=lambda group: (group[0].version, group[0].platform))
    return yanked + _rows(lambda group: _build(index, group, ask), ordered, ask)


def _build(index: str, group: list[Wheel], ask: Ask) -> Row:
    wheel = min(group, key=lambda each: (each.python != "3.11", each.python.endswith("t"), each.name))
    cells: Cells = {
        "torch": wheel.version.public,
        "build": wheel.version.local,
        "platform": wheel.platform,
        "index": index,
        "pythons": _pythons(group),
        "wheel": min(each.tag for each in group),
    }
    if index == "pypi":
        del cells["build"]
    if ask.unread(cells):
        return Row("build", cells, wheel)
    declared = metadata(wheel)
    if index == "pypi":
        cells = {"torch": cells["torch"], "build": build_tag(wheel, declared), **cells}
    for column, package in _PINNED.items():
        pinned = _pin(declared, wheel.platform, package)
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
    return Cuda.parse(pinned if "." in pinned else f"{pinned}.0").tag if pinned else "cpu"


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


def partners(index_url: str, name: str, ask: Ask) -> list[Row]:
    """The releases of torchvision or torchaudio, as their Linux wheels tell; a build in the version does not count."""

    def read(group: list[Wheel]) -> Row:
        wheel = min(group, key=lambda each: (each.python != "3.11", each.name))
        cells: Cells = {"version": wheel.version.public}
        if all(each.python for each in group):
            cells["pythons"] = _pythons(group)
        cells["yanked"] = all(each.yanked for each in group)
        if not ask.unread(cells):
            cells = {"version": cells["version"], "torch": _requirement(metadata(wheel), "torch"), **cells}
        return Row(name, cells, wheel)

    linux = [wheel for wheel in wheels(index_url, name) if wheel.platform == "linux-x86_64"]
    plain = [wheel for wheel in linux if not wheel.version.local]
    return _rows(read, _by_version(plain or linux, ask.wanted), ask)


def fastais(index_url: str, packages: Iterable[str], ask: Ask) -> list[Row]:
    """The releases of fastai with what they declare for the given packages."""
    names = sorted(packages)

    def read(group: list[Wheel]) -> Row:
        cells: Cells = {"version": str(group[0].version), "yanked": all(each.yanked for each in group)}
        if not ask.unread(cells):
            declared = metadata(group[0])
            requires = {name: spec for name in names if (spec := _requirement(declared, name))}
            cells = {"version": cells["version"], "python": declared.python, "requires": requires, **cells}
        return Row("fastai", cells, group[0])

    return _rows(read, _by_version(wheels(index_url, "fastai"), ask.wanted), ask)


def _requirement(declared: Metadata, name: str) -> str:
    """What is declared for a package, in the matrix's spelling: lower bounds first, no build."""
    specs = [str(req.specifier) for req in declared.requires if req.name.lower().replace("_", "-") == name]
    parts = [part for spec in specs for part in re.sub(r"\+\w+", "", spec).split(",") if part]
    return ",".join(sorted(parts, key=lambda part: (part.startswith("<"), part)))


def _by_version(found: Iterable[Wheel], wanted: Wanted) -> list[list[Wheel]]:
    groups: dict[Version, list[Wheel]] = {}
    for wheel in found:
        release = Version(wheel.version.public)
        if wanted(release):
            groups.setdefault(release, []).append(wheel)
    return [groups[version] for version in sorted(groups)]


def _pythons(group: Iterable[Wheel]) -> list[str]:
    return sorted({wheel.python for wheel in group if wheel.python}, key=python_order)


def python_order(text: str) -> tuple[Version, bool]:
    """Sorts Pythons as the matrix lists them: "3.9", "3.13", "3.13t"."""
    return Version(text.rstrip("t")), text.endswith("t")


def _rows(read: Callable[[list[Wheel]], Row], groups: list[list[Wheel]], ask: Ask) -> list[Row]:
    def usable(group: list[Wheel]) -> Row | None:
        try:
            return read(group)
        except BrokenWheel:
            return None

    rows = []
    for number, row in enumerate(in_parallel(usable, groups), start=1):
        if row is not None:
            release = row.cells["torch" if row.table == "build" else "version"]
            ask.progress(f"{row.table} {release} ({number}/{len(groups)})")
            rows.append(row)
    return rows
