"""Containers: images by name, what docker and nvidia-container-cli say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from compatmatrix.probe.reports.seen import Seen, Trust
from compatmatrix.probe.reports.text import Line

_IMAGE = re.compile(
    r"\b((?:nvidia/cuda|nvcr\.io/[\w./-]{3,60}|pytorch/[\w-]{2,40}|nvidia/[\w-]{2,40}|"
    r"[\w.-]{2,30}/[\w.-]{2,30}(?:/[\w.-]{2,40})?):[\w.-]{2,80})"
)
_SAYS = re.compile(
    r"(?:^|\b)(?:FROM|docker (?:run|pull|build)\b.{0,300}?|manifest for|image:|container image:)\s*", re.IGNORECASE
)


def read(lines: Sequence[Line]) -> Iterator[Seen]:
    """The image, where a line speaks of one."""
    for line in lines:
        says = _SAYS.search(line.text)
        if not says:
            continue
        match = _IMAGE.search(line.text, says.end() if says[0][:4] != "dock" else 0)
        if match and "//" not in match[1]:
            yield Seen("image", match[1], line.number, Trust.LIST)
