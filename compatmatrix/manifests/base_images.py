"""Base images by name and tag: which CUDA, Python and torch they bring, as far as the tag tells.

Sources: the tag lists and image pages of nvidia/cuda, pytorch/pytorch, python and uv.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from compatmatrix.model.cuda import Cuda


class Told(NamedTuple):
    """python: a specifier. torch: the version inside. requires: the image asks the runtime for its CUDA."""

    cuda: Cuda | None = None
    python: str = ""
    torch: str = ""
    requires: bool = False
    musl: bool = False


def split(reference: str) -> tuple[str, str]:
    """Name without its registry, and tag; a digest is left out."""
    name = reference.partition("@")[0]
    name, colon, tag = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "")
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        name = rest
    return name.removeprefix("library/"), tag if colon else ""


def told_by(name: str, tag: str) -> Told:
    """What a tag says."""
    musl = "alpine" in tag or name.rpartition("/")[2] == "alpine"
    if name.endswith("nvidia/cuda") or name == "cuda":
        cuda = re.match(r"(\d+\.\d+)(?:\.\d+)?\b", tag)
        return Told(Cuda.parse(cuda[1]) if cuda else None, requires=True, musl=musl)
    if name.endswith("pytorch/pytorch"):
        found = re.match(r"(\d+\.\d+\.\d+)-cuda(\d+\.\d+)-", tag)
        return Told(Cuda.parse(found[2]), torch=found[1]) if found else Told()
    if name == "python" or name.endswith("/python"):
        found = re.match(r"(3\.\d+)(\.\d+)?(?![\w.])", tag)
        return Told(python=f"=={found[0]}" if found[2] else f"=={found[1]}.*", musl=musl) if found else Told(musl=musl)
    found = re.search(r"\bpython(3\.\d+)\b", tag)
    return Told(python=f"=={found[1]}.*" if found else "", musl=musl)
