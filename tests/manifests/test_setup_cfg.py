"""setup.cfg: what it says, and new versions in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from compatmatrix.errors import BadInput
from compatmatrix.manifests.setup_cfg import edit, read

HERE = Path("setup.cfg")
TEXT = """\
[metadata]
name = torch==1.0

[options]
python_requires = >=3.10
install_requires =
    torch==2.5.1 ; sys_platform == "linux"
    # torchvision==0.1
    torchvision == 0.19.1

    fastai>=2.7
packages = find:

[options.extras_require]
audio = torchaudio==2.4.1
plots =
    matplotlib
"""


def test_read() -> None:
    base, audio, plots = read(HERE, TEXT).sections
    assert [(one.name, one.specifier, one.place.line) for one in base.entries] == [
        ("torch", "==2.5.1", 7),
        ("torchvision", "==0.19.1", 9),
        ("fastai", ">=2.7", 11),
    ]
    assert base.python == ">=3.10"
    assert base.entries[0].marker == 'sys_platform == "linux"'
    assert (audio.name, audio.entries[-1].specifier, audio.entries[-1].place.line) == ("extra audio", "==2.4.1", 15)
    assert plots.name == "extra plots"


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_every_other_byte_stays(ends: str) -> None:
    text = TEXT.replace("\n", ends)
    new = edit(HERE, text, {"torchvision": "==0.20.1", "torchaudio": "==2.5.1"})
    assert new == text.replace("== 0.19.1", "==0.20.1").replace("torchaudio==2.4.1", "torchaudio==2.5.1")


def test_what_is_no_requirement_is_told_with_its_line() -> None:
    with pytest.raises(BadInput, match=r"setup\.cfg:3: "):
        read(HERE, "[options]\ninstall_requires =\n    torch=2.5\n")
    assert read(HERE, "[options]\ninstall_requires = file: requirements.txt\n").sections[0].entries == ()
