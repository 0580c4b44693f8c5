from __future__ import annotations

import pytest

from compatmatrix.cli.output import print_findings
from compatmatrix.model.finding import Evidence, Finding, Severity


def test_long_evidence_ends_at_a_word_and_short_evidence_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    long, short = " ".join(["evidence"] * 50), "the metadata of the wheel"
    seen = tuple(Evidence(source, "2026-11-21") for source in (long, short))
    finding = Finding("other", Severity.WARNING, "said", evidence=seen)
    print_findings([finding])
    first, second = capsys.readouterr().out.splitlines()[1:]
    assert len(first) < 170
    assert "evidence … (2026-11-21)" in first
    assert second == f"  seen: {short} (2026-11-21)"
    assert finding.to_dict()["evidence"][0]["source"] == long
