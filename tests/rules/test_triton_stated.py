from __future__ import annotations

import pytest

from compatmatrix.rules.triton_stated import RULE

from .reported import codes

MISSING = "RuntimeError: Cannot find a working triton installation. Either the package is not installed or too old.\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"OS: Windows 11\n{MISSING}", "platform-unsupported"),
        (f"# torch.compile fails with Python 3.12 on Windows\n{MISSING}", "platform-unsupported"),
        (f"OS: Ubuntu 22.04\n{MISSING}", "other"),
        (MISSING, "other"),
    ],
)
def test_no_triton(text: str, code: str) -> None:
    assert codes(RULE, text) == [code]


@pytest.mark.parametrize(
    "text",
    [
        "OS: Windows 11\nA matching Triton is not available, some optimizations will not be enabled.\n",
        f"OS: macOS 14.5 (arm64)\n{MISSING}",
        f"OS: Ubuntu 22.04\n{MISSING}Found Tesla P100 which is too old to be supported by the triton GPU compiler\n",
    ],
)
def test_silence(text: str) -> None:
    assert codes(RULE, text) == []
