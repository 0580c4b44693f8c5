"""GPU names: what the driver prints, and what people type."""

from __future__ import annotations

import re
from collections.abc import Iterable

from compatmatrix.errors import UsageError
from compatmatrix.matrix.rows import GpuRow
from compatmatrix.model.cuda import Capability
from compatmatrix.model.host import Gpu

# Words that drivers of different age print or leave out. "Quadro" is not among them: a Quadro RTX 6000 and an
# RTX 6000 Ada are different generations.
_BRANDS = {"nvidia", "geforce", "tesla"}


class GpuNames:
    """Look-up by exact name, alias, or distinctive words."""

    def __init__(self, rows: Iterable[GpuRow]) -> None:
        self._rows = tuple(rows)
        self._exact: dict[str, GpuRow] = {}
        for row in self._rows:
            for name in (row.name, *row.aliases):
                self._exact.setdefault(_plain(name), row)

    def capability_of(self, name: str) -> Capability | None:
        """The capability behind a name printed by a driver. Exact names only: a guess here would be a false alarm.

        A virtual GPU's profile ("NVIDIA A40-8Q", "GRID T4-8Q") has the capability of its parent.
        """
        row = self._exact.get(_plain(name)) or self._exact.get(_plain(_without_profile(name)))
        return row.capability if row else None

    def find(self, text: str) -> Gpu:
        """The GPU that a user means. Raises UsageError for an unknown name, or one that fits several generations."""
        row = self._exact.get(_plain(text))
        if row:
            return Gpu(row.name, row.capability)
        words = set(_words(text)) - _BRANDS
        fitting = [row for row in self._rows if words and words <= set(_words(row.name))]
        if not fitting:
            raise UsageError(f"--gpu {text!r}: no such GPU in the matrix", hint=self._suggest(text))
        if len({row.capability for row in fitting}) > 1:
            names = sorted(f"{row.name} ({row.capability})" for row in fitting)
            more = f" and {len(names) - 6} more" if len(names) > 6 else ""
            raise UsageError(
                f"--gpu {text!r} fits GPUs of different generations: {', '.join(names[:6])}{more}",
                hint="give the whole name as nvidia-smi prints it, or its capability with --cc",
            )
        return Gpu(text.strip(), fitting[0].capability)

    def _suggest(self, text: str) -> str:
        import difflib

        names = {_plain(row.name): row.name for row in self._rows}
        close = difflib.get_close_matches(_plain(text), names, n=3, cutoff=0.6)
        did_you_mean = f"did you mean {', '.join(names[name] for name in close)}? " if close else ""
        return f"{did_you_mean}give the compute capability instead: --cc 8.6"


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", name.lower())


def _plain(name: str) -> str:
    return " ".join(word for word in _words(name) if word not in _BRANDS)


def _without_profile(name: str) -> str:
    return re.sub(r"^GRID\s+", "", re.sub(r"(-\d+){1,2}[QCAB]$", "", name.strip()))
