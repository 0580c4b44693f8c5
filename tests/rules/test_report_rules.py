from __future__ import annotations

from compatmatrix.rules import RULES
from compatmatrix.rules.report_rules import REPORT_RULES


def test_a_report_is_judged_by_all_the_other_rules_as_well() -> None:
    assert REPORT_RULES[: len(RULES)] == RULES
    assert len(set(REPORT_RULES)) == len(REPORT_RULES)
