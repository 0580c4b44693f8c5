"""What an output format is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from compatmatrix.model.lock import Lock


class Format(NamedTuple):
    """A way to write a lock.

    name: as given to -f. filename: what such a file is called by custom. render: pure; the same lock gives the
    same text, which ends with a line end.
    """

    name: str
    filename: str
    render: Callable[[Lock], str]
