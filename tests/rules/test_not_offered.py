from __future__ import annotations

import pytest

from compatmatrix.rules.not_offered import RULE

from .reported import codes


def message(wanted: str, offered: str) -> str:
    return f"ERROR: Could not find a version that satisfies the requirement torch{wanted} (from versions: {offered})\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (message("==1.13.1", "2.0.0, 2.0.1, 2.1.0"), "python-unsupported"),
        (message("==2.4.0", "1.4.0, 1.10.1, 1.13.1"), "python-unsupported"),
        (message("==2.0.1", "none"), "python-unsupported"),
        (message("", "none"), "python-unsupported"),
        (message("===1.4.0", "0.1.2, 0.1.2.post1, 0.1.2.post2"), "python-unsupported"),
        (message("==1.9.0+cu102", "1.8.1, 1.9.0, 1.9.1"), "other"),
    ],
)
def test_why(text: str, code: str) -> None:
    assert codes(RULE, text) == [code]


@pytest.mark.parametrize(
    "text",
    [
        "pip install torch==1.13.1\n",
        "OS: Alpine Linux\n" + message("==2.3.0", "none"),
        "OS: macOS 14.0 (x86_64)\n" + message("==2.4.1", "2.2.0, 2.2.1, 2.2.2"),
        message("==1.13.1", "1.13.1, 2.0.0"),
    ],
)
def test_silence_or_another_rules_word(text: str) -> None:
    assert codes(RULE, text) == []
