"""Output formats: a lock as text, one format a file.

A new format is a file with a `FORMAT` and a row here.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from compatmatrix.errors import UsageError

if TYPE_CHECKING:
    from compatmatrix.emit.format import Format

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "requirements": "compatmatrix.emit.requirements",
        "constraints": "compatmatrix.emit.constraints",
        "pylock": "compatmatrix.emit.pylock",
        "uv": "compatmatrix.emit.uv",
        "conda": "compatmatrix.emit.conda",
        "conda-forge": "compatmatrix.emit.conda_forge",
        "pixi": "compatmatrix.emit.pixi",
        "dockerfile": "compatmatrix.emit.dockerfile",
        "compose": "compatmatrix.emit.compose",
        "k8s-job": "compatmatrix.emit.k8s_job",
        "slurm": "compatmatrix.emit.slurm",
        "json": "compatmatrix.emit.json",
    }
)
"""Name to module, in the order in which they are shown. Modules are imported when they are asked for."""


def load(name: str) -> Format:
    """The format of that name. Raises UsageError with the names there are."""
    if name not in FORMATS:
        raise UsageError(f"no such format: {name!r}", hint=f"one of: {', '.join(FORMATS)}")
    found: Format = importlib.import_module(FORMATS[name]).FORMAT
    return found
