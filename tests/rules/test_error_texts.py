"""Error texts by themselves, without versions: each leads to its code, or to silence."""

from __future__ import annotations

from pathlib import Path

from compatmatrix.cli.check_report import judge_text
from compatmatrix.matrix import load_matrix
from compatmatrix.model.finding import Severity

TEXTS = Path(__file__).parent.parent / "data" / "error_texts.tsv"


def test_every_text_has_its_code() -> None:
    """Out of memory, broken hardware, faults of a program: no error. A text of the environment: one, and the right."""
    rows = [line.split("\t", 1) for line in TEXTS.read_text("utf-8").splitlines()]
    assert len(rows) > 150
    wrong = {}
    for wanted, text in rows:
        findings = judge_text(text, load_matrix()).judged.findings
        errors = [finding.code for finding in findings if finding.severity is Severity.ERROR]
        if errors != ([wanted] if wanted else []):
            wrong[text] = (wanted or "nothing", errors)
    assert wrong == {}
