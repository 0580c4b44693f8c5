"""Reading what a broken stack may have written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatmatrix.errors import BadInput
from compatmatrix.model.proof import Probe, Status
from compatmatrix.prove.answer import read_answer, read_probe

ROW = {"name": "conv", "status": "fail", "detail": "no", "seconds": 0.25, "code": "arch-missing", "error": "Traceback"}
WHOLE: dict[str, Any] = {
    "schema": 1,
    "python": "3.7.1",
    "versions": {"torch": "1.13.1"},
    "device": "cpu",
    "planned": ["conv"],
    "running": None,
    "probes": [ROW],
    "done": True,
}


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_nothing_written_yet_is_none(tmp_path: Path) -> None:
    assert read_answer(tmp_path / "answer.json") is None


def test_warnings_come_with_their_probe(tmp_path: Path) -> None:
    row = {**ROW, "warnings": ["UserWarning: not writable"]}
    answer = read_answer(written(tmp_path / "answer.json", json.dumps({**WHOLE, "probes": [row]})))
    assert answer is not None
    assert answer.probes[0].warnings == ("UserWarning: not writable",)
    assert read_probe(answer.probes[0].to_dict()) == answer.probes[0]


def test_a_whole_answer(tmp_path: Path) -> None:
    answer = read_answer(written(tmp_path / "answer.json", json.dumps(WHOLE)))
    assert answer is not None
    assert answer.probes == (Probe("conv", Status.FAIL, "no", 0.25, "arch-missing"),)
    assert (answer.tracebacks, answer.running, answer.done) == (("Traceback",), "", True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        b"\xff\xfe\x00",
        "[" * 100_000,
        json.dumps({**WHOLE, "schema": 2}),
        json.dumps({**WHOLE, "probes": {}}),
        json.dumps({**WHOLE, "probes": [1]}),
        json.dumps({**WHOLE, "probes": [{**ROW, "status": "maybe"}]}),
        json.dumps({**WHOLE, "probes": [{**ROW, "seconds": float("nan")}]}),
        json.dumps({**WHOLE, "probes": [{**ROW, "seconds": "long"}]}),
        json.dumps({**WHOLE, "probes": [{**ROW, "warnings": 3}]}),
        json.dumps({**WHOLE, "versions": []}),
        json.dumps({key: value for key, value in WHOLE.items() if key != "planned"}),
        " " * (5 * 1024 * 1024),
    ],
)
def test_anything_else_is_bad_input(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(BadInput, match="unreadable answer"):
        read_answer(written(tmp_path / "answer.json", text))


@given(
    st.builds(
        Probe,
        st.text(min_size=1),
        st.sampled_from(Status),
        st.text(),
        st.floats(0, 1e6).map(lambda value: round(value, 3)),
        st.sampled_from(["", "pillow"]),
    )
)
def test_a_probe_comes_back_from_its_json(probe: Probe) -> None:
    assert read_probe(json.loads(json.dumps(probe.to_dict()))) == probe
