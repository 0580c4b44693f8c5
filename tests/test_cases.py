"""Real reports: the true cause is found nearly always, and healthy ones get no error. No rule knows a case."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import pytest

from compatmatrix.cli.check_report import judge_text
from compatmatrix.matrix import load_matrix
from compatmatrix.model.finding import Severity

DATA = Path(__file__).parent / "data"
CASES = [json.loads(line) for line in (DATA / "cases.jsonl").read_text("utf-8").splitlines()]
HELD_OUT: list[dict[str, Any]] = [
    {"id": name, "expected_codes": expected, "text": (DATA / "reports" / f"{name}.txt").read_text("utf-8")}
    for name, expected in json.loads((DATA / "reports" / "expected.json").read_text("utf-8")).items()
]


@cache
def codes(text: str) -> tuple[list[str], list[str]]:
    """All codes found, and those of errors."""
    findings = judge_text(text, load_matrix()).judged.findings
    return [f.code for f in findings], [f.code for f in findings if f.severity is Severity.ERROR]


def missed(case: dict[str, Any]) -> str:
    """Why a case's primary diagnosis was not reached; empty where it was."""
    found, errors = codes(case["text"])
    primary = case["expected_codes"][0]
    if primary == "none":
        wrong = set(errors) - set(case["expected_codes"])
        return f"a false alarm: {sorted(wrong)}" if wrong else ""
    return "" if primary in errors else f"wanted {primary}, found {found}"


def wrong(case: dict[str, Any]) -> set[str]:
    return set(codes(case["text"])[1]) - set(case["expected_codes"])


def test_the_true_cause_is_found() -> None:
    misses = {case["id"]: why for case in CASES if (why := missed(case))}
    assert len(misses) <= len(CASES) * 0.05, misses


def test_healthy_reports_get_no_error() -> None:
    healthy = [case for case in CASES if case["verdict"] == "compatible"]
    assert len(healthy) > 10
    assert {case["id"]: wrong(case) for case in healthy if wrong(case)} == {}


def test_few_wrong_errors() -> None:
    broken = [case for case in CASES if case["verdict"] != "compatible"]
    alarms = {case["id"]: wrong(case) for case in broken if wrong(case)}
    assert len(alarms) <= len(broken) * 0.03, alarms


def test_reports_in_raw_form() -> None:
    """The same figures on texts as people post them."""
    assert len(HELD_OUT) >= 280
    healthy = [case for case in HELD_OUT if case["expected_codes"][0] == "none"]
    broken = [case for case in HELD_OUT if case["expected_codes"][0] != "none"]
    assert len(healthy) >= 95
    assert {case["id"]: wrong(case) for case in healthy if wrong(case)} == {}
    misses = {case["id"]: why for case in broken if (why := missed(case))}
    assert len(misses) <= len(broken) * 0.05, misses
    alarms = {case["id"]: wrong(case) for case in broken if wrong(case)}
    assert len(alarms) <= len(broken) * 0.03, alarms


def test_every_held_out_report_is_listed() -> None:
    assert {path.stem for path in (DATA / "reports").glob("*.txt")} == {case["id"] for case in HELD_OUT}


@pytest.mark.parametrize("wrapped", ["quoted", "timed", "cut", "windows", "escaped", "coloured", "listed"])
def test_what_stands_around_a_report_does_not_matter(wrapped: str) -> None:
    """Quotation marks, time stamps, other line ends, HTML, colours, a list, and a line that breaks off at the end."""
    wraps: dict[str, Callable[[str], str]] = {
        "quoted": lambda text: "".join(f"> {line}\n" for line in text.splitlines()),
        "timed": lambda text: "".join(f"2024-05-01T10:00:00.123Z {line}\n" for line in text.splitlines()),
        "cut": lambda text: text.rstrip() + "\n[pip3] torchvisi",
        "windows": lambda text: text.replace("\n", "\r\n"),
        "escaped": lambda text: f"<pre><code>{escape(text)}</code></pre>",
        "coloured": lambda text: "".join(f"\x1b[32m{line}\x1b[0m\n" for line in text.splitlines()),
        "listed": lambda text: "".join(f"- {line}\n" for line in text.splitlines()),
    }
    wrap = wraps[wrapped]
    changed = {
        case["id"]: (codes(case["text"])[1], after)
        for case in CASES
        if set(after := codes(wrap(case["text"]))[1]) != set(codes(case["text"])[1])
    }
    assert changed == {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_what_was_understood_is_shown(case: dict[str, Any]) -> None:
    """Every fact that the report's own record states of torch was read as it stands there."""
    stated = case["env"]["torch"]
    if not stated or not stated[0].isdigit() or " " in stated:
        return
    report = judge_text(case["text"], load_matrix()).report
    values = {value for _, fact, value in report.understood if fact in ("torch", "requested")}
    assert any(value in (stated, f"torch=={stated}") for value in values), report.understood
