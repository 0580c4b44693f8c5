from __future__ import annotations

import pytest

from compatmatrix.rules.wheel_refused import RULE

from .reported import codes


def refusal(tags: str) -> str:
    return f"ERROR: torch-2.1.0-{tags}.whl is not a supported wheel on this platform.\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (refusal("cp310-cp310-linux_x86_64") + "Python 3.12.1\n", "python-unsupported"),
        (refusal("cp310-cp310-win_amd64") + "OS: Ubuntu 22.04 (x86_64)\nPython 3.10.2\n", "platform-unsupported"),
        (refusal("cp311-none-macosx_11_0_arm64") + "OS: macOS 13.4 (x86_64)\n", "platform-unsupported"),
        (refusal("cp310-cp310-manylinux_2_28_x86_64") + "Python 3.10.2\nldd (GNU libc) 2.17\n", "glibc-too-old"),
        (
            "A path dependency is incompatible with the current platform: torch-2.1.0-cp310-cp310-win_amd64.whl\n"
            "Python 3.12.1\n",
            "python-unsupported",
        ),
    ],
)
def test_by_its_tags(text: str, code: str) -> None:
    assert codes(RULE, text) == [code]


@pytest.mark.parametrize(
    "text",
    [
        refusal("cp310-cp310-linux_x86_64"),
        refusal("cp310-cp310-manylinux_2_28_x86_64") + "Python 3.10.2\nldd (GNU libc) 2.31\n",
        "Saved ./torch-2.1.0-cp310-cp310-linux_x86_64.whl\nPython 3.12.1\n",
    ],
)
def test_silence(text: str) -> None:
    assert codes(RULE, text) == []
