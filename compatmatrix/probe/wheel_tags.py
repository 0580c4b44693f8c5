"""Compiled packages that were installed for another Python: what a copied or an upgraded environment is left with.

By the tags that installers keep in the file WHEEL of a record (PEP 427). Packages without compiled code are left out:
they run on every Python.
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from compatmatrix.model.host import Python

_SAMPLE = ("torch", "numpy")
"""Looked at first: where these two fit, the others are not opened."""
_ENOUGH = 1 << 14


class Foreign(NamedTuple):
    """A package of another Python. name: normalised. version: as recorded. made_for: "cp310"."""

    name: str
    version: str
    made_for: str


def foreign_wheels(site_packages: Sequence[Path], python: Python) -> tuple[Foreign, ...]:
    """The packages whose compiled code is for another Python, by name; empty where torch and numpy are not."""
    if python.implementation != "cpython":
        return ()
    records = [(folder, entry) for folder in site_packages for entry in _records(folder)]
    sample = [row for row in records if row[1].partition("-")[0].lower() in _SAMPLE]
    if not any(_foreign(folder, entry, python) for folder, entry in sample):
        return ()
    found = (_foreign(folder, entry, python) for folder, entry in records)
    return tuple(sorted(one for one in found if one))


def _records(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(".dist-info"))
    except OSError:
        return []


def _foreign(folder: Path, entry: str, python: Python) -> Foreign | None:
    tags = list(_tags(folder / entry / "WHEEL"))
    if not tags or any(_fits(tag, python) for tag in tags):
        return None
    name, _, version = entry.removesuffix(".dist-info").rpartition("-")
    return Foreign(re.sub(r"[-_.]+", "-", name).lower(), version, tags[0].partition("-")[0])


def _tags(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            text = file.read(_ENOUGH).decode("utf-8", "replace")
    except OSError:
        return
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip().lower() == "tag" and value.count("-") >= 2:
            yield value.strip()


def _fits(tag: str, python: Python) -> bool:
    """Whether a tag is for this Python; tags that name no CPython ABI fit every one, as far as can be told here."""
    made_for, abi, _ = tag.split("-", 2)
    version = re.fullmatch(r"cp(\d)(\d+)", made_for)
    if version is None or abi == "none":
        return True
    minor = int(version[1]), int(version[2])
    ours = python.version.major, python.version.minor
    if abi == "abi3":
        return minor <= ours and not python.free_threaded
    return minor == ours and abi.endswith("t") is python.free_threaded
