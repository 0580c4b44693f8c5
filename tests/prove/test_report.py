"""What a run measured: it comes back from its JSON, and nothing else passes for it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from compatmatrix.prove.report import Report, read_report

from .measured import DOT, MEASURED, TOLD


def test_an_empty_report_is_no_fault() -> None:
    assert read_report({}) == Report()
    assert Report().to_dict() == {"memory": []}


def test_everything_is_read() -> None:
    report = read_report(MEASURED, TOLD)
    assert report.losses == (1.2, 1.0, 0.8, 0.5)
    assert report.epochs[-1] == (0.5, 0.4, 1.0, 1.0)
    assert report.bench[0].rows[-1].learner_ms is None
    assert report.memory[0].reserved is None
    assert (report.told[0].name, report.batch_png) == ("imports", DOT)


def test_the_json_answer_has_it_all_but_the_picture() -> None:
    data = json.loads(json.dumps(read_report(MEASURED, TOLD).to_dict()))
    assert data == {key: value for key, value in MEASURED.items() if key != "batch_png"}


def test_what_a_record_keeps_comes_back() -> None:
    kept = read_report(MEASURED, TOLD).recorded()
    assert read_report(json.loads(json.dumps(kept.kept()))) == kept
    assert (kept.memory, kept.told, kept.batch_png) == ((), (), "")
    assert kept.bench and kept.epochs and kept.lr_suggested == 0.0044


@pytest.mark.parametrize(
    ("at", "to"),
    [
        (("curves", "batches"), [float("nan")]),
        (("curves", "batches"), [True]),
        (("curves", "epochs"), [[1.0]]),
        (("curves", "names"), "train loss"),
        (("lr_find",), [[1.0]]),
        (("lr_suggested",), "fast"),
        (("memory",), [[0.0]] * 3),
        (("memory",), [[0.0, 1.0, None, None]] * 10_000),
        (("bench", 0, "rows", 0, "step_ms"), None),
        (("bench", 0, "rows", 0, "batch"), "many"),
        (("bench", 0), []),
        (("batch_png",), "not base64!"),
        (("batch_png",), "PHN2Zz4="),
        (("batch_png",), 7),
    ],
)
def test_anything_else_is_refused(at: tuple[Any, ...], to: object) -> None:
    data = copy.deepcopy(MEASURED)
    place: Any = data
    for key in at[:-1]:
        place = place[key]
    place[at[-1]] = to
    with pytest.raises((ValueError, TypeError, KeyError)):
        read_report(data)


def test_a_report_is_an_object() -> None:
    with pytest.raises(ValueError, match="not an object"):
        read_report([])
