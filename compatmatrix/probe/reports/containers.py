"""Containers: images by name, and the torch that PyTorch's own images bring."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from compatmatrix.probe.reports.seen import Seen, Trust
from compatmatrix.probe.reports.text import Line

_IMAGE = re.compile(
    r"\b((?:nvidia/cuda|nvcr\.io/[\w./-]{3,60}|pytorch/[\w-]{2,40}|nvidia/[\w-]{2,40}|"
    r"[\w.-]{2,30}/[\w.-]{2,30}(?:/[\w.-]{2,40})?):[\w.-]{2,80})"
)
_ALPINE = re.compile(
    r"(?<![\w./])(?:[\w./-]{2,60}/)?(?:python|uv|nginx|pypy):[\w.-]{0,40}alpine[\w.]{0,12}|"
    r"(?<![\w./])alpine:(?:\d[\d.]{0,8}|latest|edge)\b"
)
_TORCH_INSIDE = re.compile(r"\bpytorch/pytorch:(\d\.\d{1,2}\.\d{1,2})-cuda(\d{1,2}\.\d)-")
_SAYS = re.compile(
    r"(?:^|\b)(?:FROM|docker (?:run|pull|build)\b.{0,300}?|manifest for|image:|container image:)\s*", re.IGNORECASE
)


def read(lines: Sequence[Line]) -> Iterator[Seen]:
    """The image, where a line speaks of one."""
    for line in lines:
        alpine = _ALPINE.search(line.text) if "alpine" in line.text else None
        if alpine:
            yield Seen("image", alpine[0], line.number, Trust.LIST)
            continue
        says = _SAYS.search(line.text)
        if not says:
            continue
        match = _IMAGE.search(line.text, says.end() if says[0][:4] != "dock" else 0)
        if match and "//" not in match[1]:
            yield Seen("image", match[1], line.number, Trust.LIST)
            inside = _TORCH_INSIDE.search(match[1])
            if inside:
                build = f"+cu{inside[2].replace('.', '')}"
                yield Seen("torch", inside[1] + build, line.number, Trust.LIST, package=True)
