"""The PyTorch index of a pyproject.toml: taken out, or named for some packages; every other byte stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from compatmatrix.manifests.pyproject_index import Use, added, dropped
from compatmatrix.model.target import Target

HERE = Path("no-such-folder/pyproject.toml")
CPU, CUDA = "https://download.pytorch.org/whl/cpu", "https://download.pytorch.org/whl/cu126"
LINUX = Target(None, "linux-x86_64")

UV = """\
[project]
name = "x"   # a name
dependencies = ["torch==2.6.0", 'rich']

[tool.uv.sources]
torch = { index = "pytorch-cpu" }  # goes
rich = { path = "../rich" }        # stays

[[tool.uv.index]]
name = "pytorch-cpu"
url = "https://download.pytorch.org/whl/cpu"
explicit = true

# of ruff
[tool.ruff]
line-length = 100
"""
UV_LEFT = """\
[project]
name = "x"   # a name
dependencies = ["torch==2.6.0", 'rich']

[tool.uv.sources]
rich = { path = "../rich" }        # stays

# of ruff
[tool.ruff]
line-length = 100
"""
POETRY = """\
[tool.poetry.dependencies]
python = "^3.11"
torch = { version = "2.6.0", source = "pytorch-cpu" }  # pinned

[[tool.poetry.source]]
name = "pytorch-cpu"
url = "https://download.pytorch.org/whl/cpu"
priority = "explicit"
"""
POETRY_LEFT = """\
[tool.poetry.dependencies]
python = "^3.11"
torch = { version = "2.6.0"  }  # pinned
"""
SETTINGS = '[tool.uv]\nextra-index-url = ["https://download.pytorch.org/whl/cpu"]\ndev-dependencies = ["x"]\n'
SETTINGS_LEFT = '[tool.uv]\nextra-index-url = []\ndev-dependencies = ["x"]\n'
PDM = '[project]\nname = "x"\n\n[[tool.pdm.source]]\nname = "torch"\nurl = "https://download.pytorch.org/whl/cpu"\n'


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("text", "left"),
    [
        pytest.param(UV, UV_LEFT, id="uv"),
        pytest.param(POETRY, POETRY_LEFT, id="poetry"),
        pytest.param(SETTINGS, SETTINGS_LEFT, id="uv's settings"),
        pytest.param(PDM, '[project]\nname = "x"\n', id="pdm"),
    ],
)
def test_an_index_goes_with_all_that_leads_to_it(text: str, left: str, ends: str) -> None:
    text, left = text.replace("\n", ends), left.replace("\n", ends)
    assert dropped(HERE, text, "cpu", Use("", LINUX)) == left
    assert dropped(HERE, text, "cu126", Use("", LINUX)) == text


def test_what_another_extra_or_system_takes_from_the_index_stays() -> None:
    sources = """\
[tool.uv.sources]
torch = [
    { index = "pytorch-cpu", marker = "sys_platform == 'darwin'" },
    { index = "pytorch-cpu", extra = "small" },
    { index = "pytorch-cpu", extra = "big" },
]
[[tool.uv.index]]
name = "pytorch-cpu"
url = "https://download.pytorch.org/whl/cpu"
"""
    assert dropped(HERE, sources, "cpu", Use("", LINUX)) == sources
    left = dropped(HERE, sources, "cpu", Use("big", LINUX))
    assert 'extra = "big"' not in left
    assert 'extra = "small"' in left
    assert "darwin" in left
    assert CPU in left


def test_an_index_for_packages_of_uv() -> None:
    text = '[project]\nname = "x"\n\n[tool.uv]\npackage = false\n'
    assert added(HERE, text, CUDA, ["torch", "torchvision"]) == (
        f"{text}\n[tool.uv.sources]\n"
        'torch = { index = "pytorch-cu126" }\ntorchvision = { index = "pytorch-cu126" }\n\n'
        f'[[tool.uv.index]]\nname = "pytorch-cu126"\nurl = "{CUDA}"\nexplicit = true\n'
    )
    with_sources = '[tool.uv.sources]  # ours\nrich = { path = ".." }\n'
    new = added(HERE, with_sources, CUDA, ["torch"])
    assert new is not None
    assert new.startswith('[tool.uv.sources]  # ours\ntorch = { index = "pytorch-cu126" }\nrich')
    assert added(HERE, '[tool.uv.sources]\ntorch = { path = ".." }\n', CUDA, ["torch"]) is None


def test_an_index_for_packages_of_poetry_and_pdm() -> None:
    text = "[tool.poetry.dependencies]\ntorch = '2.6.0'  # why\ntorchvision = { version = \"0.21.0\" }\n"
    new = added(HERE, text, CUDA, ["torch", "torchvision"])
    assert new is not None
    assert "torch = { version = '2.6.0', source = \"pytorch-cu126\" }  # why\n" in new
    assert 'torchvision = { version = "0.21.0", source = "pytorch-cu126" }\n' in new
    assert new.endswith(f'[[tool.poetry.source]]\nname = "pytorch-cu126"\nurl = "{CUDA}"\npriority = "explicit"\n')
    pdm = added(HERE, "[tool.pdm]\n", CUDA, ["torch"])
    assert pdm is not None
    assert 'include_packages = ["torch"]' in pdm


def test_a_project_of_no_tool_that_knows_indexes_is_left_alone(tmp_path: Path) -> None:
    assert added(HERE, '[project]\nname = "x"\n', CUDA, ["torch"]) is None
    (tmp_path / "uv.lock").touch()
    assert added(tmp_path / "pyproject.toml", '[project]\nname = "x"\n', CUDA, ["torch"])
