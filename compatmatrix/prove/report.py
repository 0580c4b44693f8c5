"""What a smoke run measured besides its verdict: curves, memory over time, a batch as a picture, the bench."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

_MAX_ROWS = 5000
_PNG = b"\x89PNG\r\n\x1a\n"


class BenchRow(NamedTuple):
    """One batch size.

    step_ms: a training step with a batch that lies on the device. epoch_ms: an epoch of such steps. learner_ms: an
    epoch of a fastai Learner, loading included, None where the batch is larger than the epoch. peak_mib: the highest
    memory, allocated on a GPU, of the whole process on a CPU.
    """

    batch: int
    step_ms: float
    epoch_ms: float
    learner_ms: float | None
    images_per_s: float
    peak_mib: float | None


class BenchTable(NamedTuple):
    """One device. images: of one epoch. ended: why no larger size was tried. best: the smallest size that is within
    5 % of the highest throughput."""

    device: str
    kind: str
    images: int
    rows: tuple[BenchRow, ...]
    ended: str
    best: int


class Sample(NamedTuple):
    """Memory at one moment: seconds since the start, MiB of the process, and of the GPU where there is one."""

    at: float
    resident: float | None
    allocated: float | None
    reserved: float | None


class Told(NamedTuple):
    """What the payload says of a probe besides its result: what a pass proves, and when it began (seconds)."""

    name: str
    proves: str
    at: float


@dataclass(frozen=True, slots=True)
class Report:
    """Measured by a smoke run; everything may be missing.

    losses: of each batch of the training. columns, epochs: names and rows of its metrics. lr_find: (rate, loss).
    batch_png: what show_batch drew, in base64.
    """

    losses: tuple[float, ...] = ()
    columns: tuple[str, ...] = ()
    epochs: tuple[tuple[float, ...], ...] = ()
    lr_find: tuple[tuple[float, float], ...] = ()
    lr_suggested: float | None = None
    memory: tuple[Sample, ...] = ()
    bench: tuple[BenchTable, ...] = ()
    told: tuple[Told, ...] = ()
    batch_png: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As in the JSON contract: what was measured, without the picture."""
        return {**self.kept(), "memory": [list(sample) for sample in self.memory]}

    def kept(self) -> dict[str, Any]:
        """The part that belongs into a proof record; `read_report` gives it back."""
        data: dict[str, Any] = {}
        if self.epochs:
            rows = [list(row) for row in self.epochs]
            data["curves"] = {"batches": list(self.losses), "names": list(self.columns), "epochs": rows}
        if self.lr_find:
            data["lr_find"] = [list(pair) for pair in self.lr_find]
        if self.lr_suggested is not None:
            data["lr_suggested"] = self.lr_suggested
        if self.bench:
            data["bench"] = [{**table._asdict(), "rows": [row._asdict() for row in table.rows]} for table in self.bench]
        return data

    def recorded(self) -> Report:
        """This report as a proof record keeps it."""
        return read_report(self.kept())


def read_report(data: Any, probes: Iterable[Any] = ()) -> Report:
    """A report from its JSON form. probes: the answer's rows. Raises ValueError, TypeError or KeyError."""
    if not isinstance(data, Mapping):
        raise ValueError("the report is not an object")
    curves = data.get("curves") or {"batches": [], "names": [], "epochs": []}
    epochs = tuple(tuple(map(_number, row)) for row in _rows(curves["epochs"]))
    columns = tuple(map(str, _rows(curves["names"])))
    if any(len(row) != len(columns) for row in epochs):
        raise ValueError("a row of metrics has another length than their names")
    suggested = data.get("lr_suggested")
    return Report(
        losses=tuple(map(_number, _rows(curves["batches"]))),
        columns=columns,
        epochs=epochs,
        lr_find=tuple((_number(rate), _number(loss)) for rate, loss in _rows(data.get("lr_find", []))),
        lr_suggested=None if suggested is None else _number(suggested),
        memory=tuple(_sample(row) for row in _rows(data.get("memory", []))),
        bench=tuple(_table(table) for table in _rows(data.get("bench", []))),
        told=tuple(Told(str(row["name"]), str(row["proves"]), _number(row["at"])) for row in probes if "proves" in row),
        batch_png=_png(data.get("batch_png", "")),
    )


def _rows(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > _MAX_ROWS:
        raise ValueError("not a list, or too long a one")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"not a number: {value!r}")
    return float(value)


def _maybe(value: Any) -> float | None:
    return None if value is None else _number(value)


def _sample(row: Any) -> Sample:
    at, resident, allocated, reserved = row
    return Sample(_number(at), _maybe(resident), _maybe(allocated), _maybe(reserved))


def _table(table: Any) -> BenchTable:
    rows = tuple(
        BenchRow(
            batch=int(row["batch"]),
            step_ms=_number(row["step_ms"]),
            epoch_ms=_number(row["epoch_ms"]),
            learner_ms=_maybe(row["learner_ms"]),
            images_per_s=_number(row["images_per_s"]),
            peak_mib=_maybe(row["peak_mib"]),
        )
        for row in _rows(table["rows"])
    )
    return BenchTable(
        str(table["device"]), str(table["kind"]), int(table["images"]), rows, str(table["ended"]), int(table["best"])
    )


def _png(text: Any) -> str:
    """A picture in base64 as it is; anything else is not passed on into a page."""
    if not isinstance(text, str):
        raise ValueError("the picture is not a text")
    try:
        if text and not base64.b64decode(text, validate=True).startswith(_PNG):
            raise ValueError("the picture is not a PNG")
    except binascii.Error as error:
        raise ValueError(f"the picture is not base64: {error}") from error
    return text
