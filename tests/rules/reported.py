"""Cases of reports for the tests of their rules: a report's text in, findings out."""

from __future__ import annotations

from collections.abc import Sequence

from compatmatrix.cli.check_report import case_of
from compatmatrix.matrix import load_matrix
from compatmatrix.matrix.tokens import load_tokens
from compatmatrix.probe.reports.report import read_report
from compatmatrix.rules.case import Case, Rule


def report_case(text: str) -> Case:
    """The case of a report's text."""
    return case_of(read_report(text, load_matrix(), load_tokens().tokens.values()), load_matrix())


def found(rule: Rule, text: str) -> list[tuple[str, str]]:
    """Code and severity of what one rule finds in a report."""
    return [(finding.code, str(finding.severity)) for finding in rule.check(report_case(text))]


def codes(rule: Rule, text: str) -> Sequence[str]:
    """The codes of errors that one rule finds in a report."""
    return [code for code, severity in found(rule, text) if severity == "error"]
