"""constraints.txt: the versions alone, for `pip install -c` beside other requirements."""

from __future__ import annotations

from compatmatrix.emit.format import Format
from compatmatrix.emit.header import comment
from compatmatrix.emit.requirements import index_lines, pin
from compatmatrix.model.lock import Lock


def render(lock: Lock) -> str:
    """Header and pins. The index is a comment: not every reader of constraints takes options there."""
    index = [f"# use with: {line}" for line in index_lines(lock.decision)]
    return "\n".join([*comment(lock.decision), *index, "", *map(pin, lock.packages)]) + "\n"


FORMAT = Format("constraints", "constraints.txt", render, universal=True)
