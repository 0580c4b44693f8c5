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
        (message("", ""), "python-unsupported"),
        ("ERROR: No matching distribution found for torch\n", "python-unsupported"),
        # Nothing is offered, and there are wheels for this Python: it has 32 bits.
        ("Windows 11, Python 3.10.9\n" + message("==1.13.1", "none"), "platform-unsupported"),
        ("pi@kitchen:~ $ pip install torch\n" + message("", "none"), "platform-unsupported"),
        ("Could not find a version that matches torch==1.4.0\nTried: 0.1.2, 0.1.2.post1\n", "python-unsupported"),
        (message("===1.4.0", "0.1.2, 0.1.2.post1, 0.1.2.post2"), "python-unsupported"),
        (message("==1.9.0+cu102", "1.8.1, 1.9.0, 1.9.1"), "other"),
        (message("~=2.3", "1.7.1, 2.0.0, 2.1.2"), "python-unsupported"),
        (message(">=2.4,<3", "1.7.1, 1.13.1, 2.0.1"), "python-unsupported"),
        # The last release with wheels for Intel Macs ends the list, whatever is told of the machine.
        (message("==2.6.0", "2.0.0, 2.2.1, 2.2.2"), "platform-unsupported"),
        ("Mac M1, macOS 14.2\n" + message("~=2.3", "2.1.2, 2.2.2"), "platform-unsupported"),
        (message("==2.6.0.dev20241113", "2.4.1, 2.5.0, 2.5.1"), "other"),
        ("Windows 11 on a Snapdragon\n" + message("", "none"), "platform-unsupported"),
        # A partner's offers begin with its first release for the Python.
        (message("audio==0.8.1", "0.11.0, 0.12.0, 2.0.1"), "python-unsupported"),
        # No Python's list ends that early: the index is of older days.
        (message("==1.7.1", "0.3.1, 0.4.0, 0.4.1"), "other"),
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
        message("vision==0.15.1", "0.14.0, 0.15.0, 0.16.0"),
        # The list breaks off: what its last entry is, nobody knows.
        "ERROR: Could not find a version that satisfies the requirement torch==2.4.0 (from versions: 1.7.1, 1.10.1,...",
        message(">=1.9", "1.8.1, 1.9.0, 1.9.1"),
    ],
)
def test_silence_or_another_rules_word(text: str) -> None:
    assert codes(RULE, text) == []
