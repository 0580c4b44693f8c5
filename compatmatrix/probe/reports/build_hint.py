"""A torch that is named without its build, beside a CUDA that another build of that release has."""

from __future__ import annotations

import re
from collections.abc import Sequence

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.stack import Stack
from compatmatrix.probe.reports.seen import Seen, Trust
from compatmatrix.probe.reports.text import Line

_CUDA = re.compile(r"\bCUDA(?:[ _-]?version)?\s?[ :=]\s?v?(\d{1,2}\.\d)(?:\.\d{1,3})?(?![\w.])", re.IGNORECASE)
_BY_HAND = re.compile(r"cuda\s{1,4}v?\d{1,2}\.\d(?:\.\d{1,3})?", re.IGNORECASE)
"""A row of a list that somebody wrote: no installer knows a package of that name without a build."""
_OF_DRIVER = re.compile(r"Driver Version|Cuda compilation tools", re.IGNORECASE)


def other_build_told(seen: Sequence[Seen], lines: Sequence[Line], stack: Stack, platform: str, matrix: Matrix) -> bool:
    """Whether the CUDA that people write beside such a torch is not that of PyPI's build, but of another one.

    A list of packages that an installer printed tells PyPI's build by itself: there nothing is left open.
    """
    torch = stack.get("torch")
    if torch is None or torch.flavour or torch.version.local:
        return False
    listed = any(one.fact == "torch" and one.trust in (Trust.LIST, Trust.CONDA, Trust.PIP) for one in seen)
    if listed and not any(_BY_HAND.fullmatch(line.text) for line in lines):
        return False
    default = matrix.default_build(torch.release, platform)
    told = {match[1] for line in lines if not _OF_DRIVER.search(line.text) for match in _CUDA.finditer(line.text)}
    others = {build.cuda for build in matrix.builds_for(torch.release, platform)} - {None}
    return any(
        Cuda.parse(text) in others and (default is None or default.cuda != Cuda.parse(text)) for text in sorted(told)
    )
