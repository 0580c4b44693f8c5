"""Issue forms: a heading that names a fact, and its value on a line of its own below it, as trackers write them.

A heading that is a question of a template ("What operating system are you using?") counts by the fact in it. A value is
taken where it has the look of one: a form's "cuda" or "_No response_" names no GPU.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from compatmatrix.probe.reports.labels import labelled
from compatmatrix.probe.reports.seen import Seen
from compatmatrix.probe.reports.text import Line

_HEADING = re.compile(r"#{1,6}\s+([A-Za-z][^#\n]{0,90})$")
_ASKED = re.compile(
    r"^(?:what|which|your|describe|please (?:give|provide|enter))\b(?: is)?(?: the| your)?|"
    r"\b(?:are|do|did) you (?:us(?:e|ing)|running|have|on)\b.{0,30}$|\(.{0,60}\)",
    re.IGNORECASE,
)
_VALUES = {
    "os": re.compile(r"(?:Windows|Linux|mac ?OS|Ubuntu|Debian|CentOS|Fedora|Arch)(?: ?\d[\w. -]{0,24}| Server \d{4})?"),
    "gpu model": re.compile(
        r".{0,30}?((?:RTX|GTX|Tesla|Quadro|Titan) ?\w{1,6}(?: ?(?:Ti|Super)\b)?).{0,40}", re.IGNORECASE
    ),
    "python version": re.compile(r"(?:Python )?3\.\d{1,2}(?:\.\d{1,2})?"),
    "pytorch version": re.compile(r"v?[012]\.\d{1,2}\.\d{1,2}(?:\+\w{2,10})?"),
    "torch version": re.compile(r"v?[012]\.\d{1,2}\.\d{1,2}(?:\+\w{2,10})?"),
}
_NAMES = {
    "os": "os", "os version": "os", "operating system": "os", "operating systems": "os", "system": "os",
    "operating system and version": "os", "platform": "os",
    "gpu": "gpu model", "gpu model": "gpu model", "graphics card": "gpu model", "gpu name": "gpu model",
    "gpu / hardware type": "gpu model", "gpu type": "gpu model",
    "python version": "python version", "python": "python version",
    "pytorch version": "pytorch version", "torch version": "torch version",
}  # fmt: skip


def read(lines: Sequence[Line]) -> Iterator[Seen]:
    """Every fact of a form whose value looks like one."""
    for head, line in pairwise(lines):
        match = _HEADING.match(head.text)
        if match is None:
            continue
        asked = " ".join(_ASKED.sub(" ", match[1].strip(" ?:")).lower().split())
        label = _NAMES.get(asked, "")
        value = _VALUES[label].fullmatch(line.text) if label else None
        if value:
            yield from labelled(label, value[value.lastindex or 0], line, "")
