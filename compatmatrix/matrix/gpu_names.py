"""GPU names: what the driver prints, and what people type."""

from __future__ import annotations

import re
from collections.abc import Iterable

from compatmatrix.errors import UsageError
from compatmatrix.matrix.rows import GpuRow, Row
from compatmatrix.model.cuda import Capability
from compatmatrix.model.host import Gpu

# Words that drivers of different age print or leave out. "Quadro" is not among them: a Quadro RTX 6000 and an
# RTX 6000 Ada are different generations.
_BRANDS = {"nvidia", "geforce", "tesla"}
_MEMORY = re.compile(r"\d+gi?b?")


class GpuNames:
    """Look-up by exact name, alias, or distinctive words. rows: of the table, read when they are needed."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._table = tuple(rows)
        self._names = [(name.lower(), row) for row in self._table for name in (row["name"], *row.get("aliases", ()))]

    def _named(self, text: str) -> GpuRow | None:
        """The first row with this name or alias, whatever the brand, the case and the blanks between its words."""
        lower, plain = text.strip().lower(), _plain(text)
        same = next((row for name, row in self._names if name == lower), None)
        if same is None and plain:
            # Only names that hold the first word are taken apart: most questions are one name among a thousand.
            first = plain.partition(" ")[0]
            same = next((row for name, row in self._names if first in name and _plain(name) == plain), None)
        return GpuRow.read(same) if same else None

    def _joined(self, text: str) -> GpuRow | None:
        """By a name without blanks, as people type it ("rtx4090"); None where several generations have it."""
        typed = _plain(text).replace(" ", "")
        found = [row for name, row in self._names if typed and typed == _plain(name).replace(" ", "")]
        return GpuRow.read(found[0]) if len({row["capability"] for row in found}) == 1 else None

    def capability_of(self, name: str) -> Capability | None:
        """The capability behind a name printed by a driver. Exact names only: a guess here would be a false alarm.

        A slice ("NVIDIA A100-SXM4-40GB MIG 1g.5gb") and a virtual GPU's profile ("NVIDIA A40-8Q", "GRID V100DX-32C")
        have the capability of the GPU behind them.
        """
        whole = re.sub(r"\s+MIG\s+\S+$", "", name.strip())
        parent = _without_profile(whole)
        row = self._named(whole) or self._named(parent)
        if row or parent == whole:
            return row.capability if row else None
        # A profile names its GPU in short, with letters for the form that it has: V100DX is one with 32 GB on SXM2.
        found = {row.capability for row in self._with_words({re.sub(r"(?<=\d)[a-z]+$", "", _plain(parent))})}
        return found.pop() if len(found) == 1 else None

    def find(self, text: str) -> Gpu:
        """The GPU that a user means. Raises UsageError for an unknown name, or one that fits several generations."""
        row = self._named(text) or self._joined(text)
        if row:
            return Gpu(row.name, row.capability)
        words = set(_words(text)) - _BRANDS
        # The same GPU with another amount of memory is of the same generation.
        fitting = self._with_words(words) or self._with_words({word for word in words if not _MEMORY.fullmatch(word)})
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

    def _with_words(self, words: set[str]) -> list[GpuRow]:
        near = [row for row in self._table if words and all(word in row["name"].lower() for word in words)]
        return [GpuRow.read(row) for row in near if words <= set(_words(row["name"]))]

    def _suggest(self, text: str) -> str:
        import difflib

        names = {_plain(row["name"]): row["name"] for row in self._table}
        close = difflib.get_close_matches(_plain(text), names, n=3, cutoff=0.6)
        did_you_mean = f"did you mean {', '.join(names[name] for name in close)}? " if close else ""
        return f"{did_you_mean}give the compute capability instead: --cc 8.6"


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", name.lower())


def _plain(name: str) -> str:
    return " ".join(word for word in _words(name) if word not in _BRANDS)


def _without_profile(name: str) -> str:
    return re.sub(r"^GRID\s+", "", re.sub(r"(-\d+){1,2}[QCAB]$", "", name.strip()))
