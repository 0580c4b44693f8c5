"""A format of files that name a stack, as a value."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from compatmatrix.manifests.manifest import Manifest


class Format(NamedTuple):
    """read: path and text to a Manifest. edit: path, text and new specifiers by name to the new text; None for locks,
    which only the tool that made them can change. relock: how it is told to, in words."""

    name: str
    read: Callable[[Path, str], Manifest]
    edit: Callable[[Path, str, Mapping[str, str]], str] | None = None
    relock: str = ""
