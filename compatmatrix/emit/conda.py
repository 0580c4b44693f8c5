"""environment.yml: Python and the system's floor from conda-forge, everything else pinned in its pip section."""

from __future__ import annotations

import json

from compatmatrix.emit.format import Format
from compatmatrix.emit.header import comment
from compatmatrix.emit.python import python_minor
from compatmatrix.emit.requirements import index_lines, pin
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.lock import Lock

HEAD = ("name: compatmatrix", "channels:", "  - conda-forge", "dependencies:")
"""The file down to the key whose items are the specs. Without "nodefaults": conda from 26.7 on, whose `env create`
became an alias of `create`, looks for a channel of that name and stops (seen with 26.7.1)."""

_LIBC = {"glibc": "__glibc", "macos": "__osx"}
_SYSTEMS = {"linux": "__linux", "macos": "__osx", "windows": "__win"}


def render(lock: Lock) -> str:
    """An environment of the wheels that were judged, without conda's own torch, so that no second copy comes in.

    conda-forge's builds of torch have other architectures and another CUDA than the wheels, so they would be another
    answer. `cuda-version` belongs to no library: it keeps what conda adds later on the same CUDA, and asks for a driver
    of that family where there is a GPU (its constraint on `__cuda` is silent where there is none). environment.yml has
    no place for hashes; a comment says which format has them.
    """
    entries = [*index_lines(lock.decision), *map(pin, lock.packages)]
    lines = [
        *comment(lock.decision),
        "# versions only: this format has no place for hashes, the requirements format has them",
        *HEAD,
        *(f"  - {json.dumps(spec)}" for spec in (*system_specs(lock), *python_specs(lock), *_cuda(lock))),
        "  - pip",
        "  - pip:",
        # A JSON string is a YAML string, whatever is in it.
        *(f"      - {json.dumps(entry)}" for entry in entries),
    ]
    return "\n".join(lines) + "\n"


def system_specs(lock: Lock) -> list[str]:
    """The virtual packages: conda says at once that the system is too old, before pip finds no wheel."""
    system = (lock.decision.host.platform.value or "").partition("-")[0]
    libc = lock.decision.host.libc.value
    if libc is not None and libc.kind in _LIBC:
        return [f"{_LIBC[libc.kind]}>={libc.major}.{libc.minor}"]
    return [_SYSTEMS[system]] if system in _SYSTEMS else []


def python_specs(lock: Lock) -> list[str]:
    """Python by its minor."""
    minor = python_minor(lock.decision)
    if not minor:
        return ["python"]
    free_threaded = ["python-freethreading"] if minor.endswith("t") else []
    return [f"python={minor.removesuffix('t')}", *free_threaded]


def _cuda(lock: Lock) -> list[str]:
    cuda = Cuda.from_tag(lock.decision.build)
    return [f"cuda-version={cuda}"] if cuda else []


FORMAT = Format("conda", "environment.yml", render)
