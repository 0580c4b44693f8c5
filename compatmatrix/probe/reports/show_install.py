"""fastai's show_install: its own labels, where they mean something else than elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from compatmatrix.probe.reports.seen import Seen, Trust
from compatmatrix.probe.reports.text import Line


def read(lines: Sequence[Line]) -> Iterator[Seen]:
    """The lines of show_install that labels alone do not tell."""
    for line in lines:
        cuda = re.match(r"torch cuda\s*:\s*(\S+)\s*/\s*(.{1,60})", line.text)
        if cuda:
            yield Seen("cuda-available", str("not" not in cuda[2].lower()), line.number)
        gpu = re.match(r"(?:-\s*)?gpu\d+\s*:\s*(?:\d+MB\s*\|\s*)(\S.{0,100})", line.text)
        if gpu:
            yield Seen("gpu", gpu[1].strip(), line.number)
        package = re.match(r"(fastai2?|fastprogress|fastcore|torch|torchvision)\s{0,20}:\s(\d\S{0,40})$", line.text)
        if package:
            yield Seen(package[1], package[2], line.number, Trust.IMPORTED, package=True)
        if re.match(r"nvidia gpus\s*:\s*0$", line.text):
            yield Seen("no-gpu", "nvidia gpus: 0", line.number)
