"""What an output format is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from compatmatrix.model.lock import Lock


class Format(NamedTuple):
    """A way to write a lock.

    name: as given to -f. filename: what such a file is called by custom. render: pure; the same lock gives the same
    text, which ends with a line end. needs_files: it names the address of each file, which a lock that was read from
    requirements does not know. universal: it has a place for markers, so it can hold a lock over several platforms.
    """

    name: str
    filename: str
    render: Callable[[Lock], str]
    needs_files: bool = False
    universal: bool = False
