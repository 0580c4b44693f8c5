"""The payload's answer as values. Whatever a broken stack has written, reading it gives an Answer or BadInput."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from compatmatrix.errors import BadInput
from compatmatrix.model.proof import Probe, Status
from compatmatrix.prove.report import Report, read_report

SCHEMA = 1
_MAX_BYTES = 4 * 1024 * 1024


class Answer(NamedTuple):
    """What the payload has written so far.

    planned: all probes of the run, in order. running: the one under way when this was written, empty for none.
    tracebacks: one text for each probe that failed with one. report: what was measured by then.
    """

    versions: tuple[tuple[str, str], ...]
    device: str
    planned: tuple[str, ...]
    running: str
    probes: tuple[Probe, ...]
    tracebacks: tuple[str, ...]
    done: bool
    report: Report = Report()


def read_answer(path: Path) -> Answer | None:
    """The answer as it stands; None where nothing has been written. Raises BadInput for anything else."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("too large")
        data = json.loads(path.read_text("utf-8"))
        return _answer(data)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadInput(f"unreadable answer of the smoke run: {type(error).__name__}: {error}") from error


def _answer(data: Any) -> Answer:
    if not isinstance(data, Mapping) or data["schema"] != SCHEMA:
        raise ValueError(f"not an answer of schema {SCHEMA}")
    rows = data["probes"]
    if not isinstance(rows, list) or not isinstance(data["versions"], Mapping) or not isinstance(data["planned"], list):
        raise ValueError("probes, planned or versions have another form")
    return Answer(
        versions=tuple(sorted((str(name), str(version)) for name, version in data["versions"].items())),
        device=str(data["device"]),
        planned=tuple(map(str, data["planned"])),
        running=str(data["running"] or ""),
        probes=tuple(read_probe(row) for row in rows),
        tracebacks=tuple(str(row["error"]) for row in rows if row.get("error")),
        done=data["done"] is True,
        report=read_report(data.get("report", {}), rows),
    )


def read_probe(row: Any) -> Probe:
    """One probe from its JSON form. Raises ValueError, TypeError or KeyError."""
    if not isinstance(row, Mapping):
        raise ValueError("a probe is not an object")
    seconds = float(row["seconds"])
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"probe {row['name']} took {seconds} s")
    said = row.get("warnings") or []
    if not isinstance(said, list):
        raise ValueError(f"the warnings of probe {row['name']} are no list")
    return Probe(
        name=str(row["name"]),
        status=Status(row["status"]),
        detail=str(row["detail"]),
        seconds=round(seconds, 3),
        code=str(row["code"] or ""),
        warnings=tuple(map(str, said)),
    )
