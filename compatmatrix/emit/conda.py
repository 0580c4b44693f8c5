"""environment.yml: Python from conda-forge, everything else pinned in its pip section."""

from __future__ import annotations

import json

from compatmatrix.emit.format import Format
from compatmatrix.emit.header import comment
from compatmatrix.emit.python import python_minor
from compatmatrix.emit.requirements import index_lines, pin
from compatmatrix.model.lock import Lock


def render(lock: Lock) -> str:
    """A self-contained environment without conda's own torch, so that no second copy comes in.

    environment.yml has no place for hashes; a comment says which format has them.
    """
    entries = [*index_lines(lock.decision), *map(pin, lock.packages)]
    lines = [
        *comment(lock.decision),
        "# versions only: this format has no place for hashes, the requirements format has them",
        "name: compatmatrix",
        "channels:",
        "  - conda-forge",
        "  - nodefaults",
        "dependencies:",
        *(f"  - {spec}" for spec in _python(lock)),
        "  - pip",
        "  - pip:",
        # A JSON string is a YAML string, whatever is in it.
        *(f"      - {json.dumps(entry)}" for entry in entries),
    ]
    return "\n".join(lines) + "\n"


def _python(lock: Lock) -> list[str]:
    minor = python_minor(lock.decision)
    if not minor:
        return ["python"]
    free_threaded = ["python-freethreading"] if minor.endswith("t") else []
    return [f"python={minor.removesuffix('t')}", *free_threaded]


FORMAT = Format("conda", "environment.yml", render)
