"""Checks of the matrix file across tables: what a row names must be there, and a row must be able to apply."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from packaging.specifiers import InvalidSpecifier
from packaging.version import InvalidVersion, Version

from compatmatrix.matrix.rows import admits, version
from compatmatrix.model.cuda import Arch, Cuda

Fault = tuple[str, int | None, str]
Rows = list[dict[str, Any]]
_Value = TypeVar("_Value")
_OLDEST = Version("0")


def reference_faults(tables: Mapping[str, Any]) -> Iterator[Fault]:
    """Faults as table, row number from 0, and text.

    A column of the wrong shape is passed over: that is another fault.
    """
    rows = {name: _rows(tables, name) for name in tables}
    for check in (_builds, _torches, _partners, _limits, _cudas, _capabilities, _gpus, _cudnn_floors, _images, _conda):
        yield from check(lambda name: rows.get(name, []))


_Tables = Callable[[str], Rows]


def _builds(table: _Tables) -> Iterator[Fault]:
    torches, cudas = _column(table("torch"), "version"), _column(table("cuda"), "version")
    capabilities = _column(table("capability"), "capability")
    for number, row in enumerate(table("build")):
        if isinstance(row.get("torch"), str) and row["torch"] not in torches:
            yield "build", number, f"torch {row['torch']} has no row in [[torch]]"
        cuda = Cuda.from_tag(row["build"]) if isinstance(row.get("build"), str) else None
        if cuda and str(cuda) not in cudas:
            yield "build", number, f"CUDA {cuda} has no row in [[cuda]]"
        if cuda is None and row.get("archs"):
            yield "build", number, "a build without CUDA has no architectures"
        archs = row.get("archs")
        for arch in archs if isinstance(archs, list) else ():
            found = _parsed(Arch.parse, arch)
            if found and str(found.capability) not in capabilities:
                yield "build", number, f"capability {found.capability} of {arch} has no row in [[capability]]"


def _torches(table: _Tables) -> Iterator[Fault]:
    built = _column(table("build"), "torch")
    for number, row in enumerate(table("torch")):
        if isinstance(row.get("version"), str) and row["version"] not in built and not row.get("yanked"):
            yield "torch", number, f"torch {row['version']} has no [[build]]"


def _partners(table: _Tables) -> Iterator[Fault]:
    torches = [found for text in _column(table("torch"), "version") if (found := _parsed(version, text))]
    for name in ("torchvision", "torchaudio"):
        for number, row in enumerate(table(name)):
            spec, pair = row.get("torch"), _parsed(version, row.get("pair"))
            if pair and pair not in torches:
                yield name, number, f"pair: torch {pair} has no row in [[torch]]"
            if pair and _admits(spec, pair) is False:
                yield name, number, f"pair: torch {pair} is outside {spec!r}"
            if not row.get("yanked") and torches and not any(_admits(spec, torch) is not False for torch in torches):
                yield name, number, f"no row in [[torch]] is within {spec!r}"


def _limits(table: _Tables) -> Iterator[Fault]:
    known = {
        name: [found for text in _column(table(name), "version") if (found := _parsed(version, text))]
        for name in ("torch", "torchvision", "torchaudio", "fastai")
    }
    for number, row in enumerate(table("limit")):
        when = row.get("when")
        if when == {}:
            yield "limit", number, "when: it names nothing"
        for name, spec in when.items() if isinstance(when, dict) else ():
            # Releases older than the tables are in reports.
            releases = [_OLDEST, *known[name]] if known.get(name) else []
            if releases and all(_admits(spec, release) is False for release in releases):
                yield "limit", number, f"when: no row in [[{name}]] is within {spec!r}"


def _cudas(table: _Tables) -> Iterator[Fault]:
    majors = _column(table("cuda-family"), "major")
    # Minor-version compatibility began with the oldest family; below it a release has its own driver.
    first = min((major for major in majors if isinstance(major, int)), default=0)
    for number, row in enumerate(table("cuda")):
        major = str(row.get("version", "")).partition(".")[0]
        if major.isdigit() and int(major) >= first and int(major) not in majors:
            yield "cuda", number, f"CUDA {row['version']} has no row in [[cuda-family]]"


def _capabilities(table: _Tables) -> Iterator[Fault]:
    cudas = [found for text in _column(table("cuda"), "version") if (found := _parsed(Cuda.parse, text))]
    for number, row in enumerate(table("capability")):
        first, last = (_parsed(Cuda.parse, row.get(key)) for key in ("first-cuda", "last-cuda"))
        for cuda in (first, last):
            # The table of CUDA releases begins with the first that torch was built for.
            if cuda and cudas and cuda >= min(cudas) and cuda not in cudas:
                yield "capability", number, f"CUDA {cuda} has no row in [[cuda]]"
        if first and last and first > last:
            yield "capability", number, f"first-cuda {first} is newer than last-cuda {last}"
        begin, end = row.get("first-driver"), row.get("last-driver")
        if isinstance(begin, int) and isinstance(end, int) and begin > end:
            yield "capability", number, f"first-driver {begin} is newer than last-driver {end}"


def _gpus(table: _Tables) -> Iterator[Fault]:
    capabilities = _column(table("capability"), "capability")
    names: dict[str, str] = {}
    for number, row in enumerate(table("gpu")):
        capability, aliases = row.get("capability"), row.get("aliases", ())
        if not isinstance(capability, str):
            continue
        if capability not in capabilities:
            yield "gpu", number, f"capability {capability} has no row in [[capability]]"
        for name in (row.get("name"), *(aliases if isinstance(aliases, list) else ())):
            if isinstance(name, str) and names.setdefault(name.lower(), capability) != capability:
                yield "gpu", number, f"{name!r} is also a name of a GPU of capability {names[name.lower()]}"


def _cudnn_floors(table: _Tables) -> Iterator[Fault]:
    majors = {text.partition(".")[0] for text in _column(table("cuda"), "version") if isinstance(text, str)}
    capabilities = _column(table("capability"), "capability")
    for number, row in enumerate(table("cudnn-floor")):
        if isinstance(row.get("cuda"), int) and str(row["cuda"]) not in majors:
            yield "cudnn-floor", number, f"CUDA {row['cuda']} has no row in [[cuda]]"
        if isinstance(row.get("capability"), str) and row["capability"] not in capabilities:
            yield "cudnn-floor", number, f"capability {row['capability']} has no row in [[capability]]"


def _images(table: _Tables) -> Iterator[Fault]:
    torches, cudas = _column(table("torch"), "version"), _column(table("cuda"), "version")
    for number, row in enumerate(table("image")):
        if isinstance(row.get("cuda"), str) and row["cuda"] not in cudas:
            yield "image", number, f"CUDA {row['cuda']} has no row in [[cuda]]"
        if isinstance(row.get("torch"), str) and row["torch"] not in torches:
            yield "image", number, f"torch {row['torch']} has no row in [[torch]]"


def _conda(table: _Tables) -> Iterator[Fault]:
    channels = _column(table("conda-channel"), "name")
    cudas = _column(table("cuda"), "version")
    for number, row in enumerate(table("conda")):
        if isinstance(row.get("channel"), str) and row["channel"] not in channels:
            yield "conda", number, f"channel {row['channel']} has no row in [[conda-channel]]"
        named = row.get("cuda", ())
        for cuda in named if isinstance(named, list) else ():
            if isinstance(cuda, str) and cuda not in cudas:
                yield "conda", number, f"CUDA {cuda} has no row in [[cuda]]"
    for number, row in enumerate(table("conda-channel")):
        begin, end = (_parsed(version, row.get(key)) for key in ("complete-from", "complete-to"))
        if begin and end and begin > end:
            yield "conda-channel", number, f"complete-from {begin} is newer than complete-to {end}"


def _rows(tables: Mapping[str, Any], name: str) -> Rows:
    rows = tables.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _column(rows: Rows, key: str) -> set[Any]:
    return {row.get(key) for row in rows if isinstance(row.get(key), str | int)}


def _parsed(parse: Callable[[str], _Value], text: Any) -> _Value | None:
    try:
        return parse(text) if isinstance(text, str) else None
    except (ValueError, InvalidVersion):
        return None


def _admits(spec: Any, release: Version) -> bool | None:
    """None where the specifier is none."""
    try:
        return admits(spec, release) if isinstance(spec, str) else None
    except InvalidSpecifier:
        return None
