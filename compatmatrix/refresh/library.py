"""What the library inside a torch wheel tells: the architectures it was compiled for, and the NumPy it knows."""

from __future__ import annotations

import re
from typing import NamedTuple

from packaging.version import Version

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.refresh.observe import Cells, Row
from compatmatrix.refresh.remote import Wheel, members

_ARCHS = re.compile(rb"(?:sm_|compute_)\d+[af]?(?: (?:sm_|compute_)\d+[af]?)*(?=\x00)")
_MEMBER = {"linux": r"torch/lib/libtorch_python\.so", "windows": r"torch/lib/torch_python\.dll"}


class Library(NamedTuple):
    """name: the file inside the wheel. archs: as torch.cuda.get_arch_list() gives them. numpy2: NumPy 2 serves too."""

    name: str
    archs: tuple[str, ...]
    numpy2: bool


def read_library(wheel: Wheel) -> Library | None:
    """The library of a CUDA build, fetched by parts of the wheel; None where it names no architectures.

    torch keeps the list that get_arch_list() gives as one text. NumPy 2 renamed `numpy.core`, so a library that
    does not know the new name was compiled for NumPy 1 alone. Raises IndexUnavailable.
    """
    member = _MEMBER.get(wheel.platform.partition("-")[0])
    if member is None:
        return None
    data = members(wheel, member)[0]
    found = max(_ARCHS.findall(data), key=len, default=b"")
    if not found:
        return None
    return Library(member.rpartition("/")[2].replace("\\", ""), tuple(found.decode().split()), b"numpy._core" in data)


def like(row: Row, matrix: Matrix) -> Cells | None:
    """The known build of the same CUDA and platform whose release is nearest, older ones first: a guess at the
    architectures, and marked as one."""
    release = Version(row.cells["torch"])
    same: list[Cells] = [
        known
        for known in matrix.tables.get("build", ())
        if (known["build"], known["platform"]) == (row.cells["build"], row.cells["platform"]) and known.get("archs")
    ]
    older = [known for known in same if Version(known["torch"]) <= release]
    newer = [known for known in same if Version(known["torch"]) > release]
    if older:
        return max(older, key=lambda known: Version(known["torch"]))
    return min(newer, key=lambda known: Version(known["torch"]), default=None)
