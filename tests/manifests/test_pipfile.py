"""Pipfile: what it says, and new versions in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from compatmatrix.errors import BadInput
from compatmatrix.manifests.pipfile import edit, read

HERE = Path("Pipfile")
TEXT = """\
[[source]]
url = "https://mirror.example/simple"   # ours
name = "main"

[[source]]
url = "https://download.pytorch.org/whl/cu121"
name = "pytorch"

[packages]
torch = {version = "==2.5.1", index = "pytorch"}  # pinned
Torchvision = "==0.19.1"
numpy = "*"
fastai = {version = ">=2.7", markers = "python_version >= '3.9'", sys_platform = "== 'linux'"}
ours = {path = "."}

[dev-packages]
torchaudio = "==2.4.1"

[requires]
python_version = "3.11"
"""


def test_read() -> None:
    base, group = read(HERE, TEXT).sections
    assert (base.name, group.name, base.python) == ("", "group dev-packages", "==3.11.*")
    told = [(one.name, one.specifier, one.flavour, one.only, one.place.line) for one in base.entries]
    assert told == [
        ("torch", "==2.5.1", "cu121", True, 10),
        ("torchvision", "==0.19.1", None, False, 11),
        ("numpy", "", None, False, 12),
        ("fastai", ">=2.7", None, False, 13),
    ]
    assert base.entries[3].marker == "(python_version >= '3.9') and sys_platform == 'linux'"
    assert [one.name for one in group.entries][-1] == "torchaudio"


def test_the_first_source_serves_what_names_none() -> None:
    text = '[[source]]\nurl = "https://download.pytorch.org/whl/cpu"\n[packages]\ntorch = "*"\n'
    (section,) = read(HERE, text).sections
    assert section.entries[0].flavour == "cpu"


def test_every_other_byte_stays() -> None:
    new = edit(HERE, TEXT, {"torchvision": "==0.20.1", "torch": "==2.5.1", "torchaudio": "==2.5.1", "numpy": "<2"})
    expected = TEXT.replace("0.19.1", "0.20.1").replace('"==2.4.1"', '"==2.5.1"').replace('"*"', '"<2"')
    assert new == expected
    assert edit(HERE, TEXT, {"torch": "==2.5.1"}) == TEXT


def test_not_toml() -> None:
    with pytest.raises(BadInput, match="Pipfile:1: not TOML"):
        read(HERE, "[packages\n")
