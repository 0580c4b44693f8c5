"""What teaches is no report."""

from __future__ import annotations

from compatmatrix.probe.reports.guides import without_guides
from compatmatrix.probe.reports.text import clean

ERROR = "CUDA error: no kernel image is available"


def kept(text: str) -> list[str]:
    return [line.text for line in without_guides(clean(text))]


def test_a_section_of_questions_is_left_out() -> None:
    assert kept(f"# Kit\n## FAQ\n### Building\n{ERROR}\n## Licence\nMIT") == ["# Kit", "## Licence", "MIT"]


def test_a_page_of_troubles_is_left_out_to_its_end() -> None:
    assert kept(f"# Troubleshooting\n## Crash\n{ERROR}\n# a comment\n{ERROR}") == []


def test_who_tells_of_himself_is_heard() -> None:
    assert ERROR in kept(f"### Troubleshooting\nI tried another driver\n{ERROR}")


def test_an_issue_is_kept() -> None:
    assert ERROR in kept(f"### Is there an existing issue for this?\n- [x] yes\n### Error\n{ERROR}")


def test_source_is_left_out() -> None:
    assert kept('AT_ERROR("RoIAlign is not compiled with GPU support");') == []
