from __future__ import annotations

from pathlib import Path

import pytest

from compatmatrix.errors import BadInput
from compatmatrix.manifests import poetry
from compatmatrix.manifests.manifest import Part, settle
from compatmatrix.manifests.pyproject import edit, read
from compatmatrix.model.host import Python
from compatmatrix.model.target import Target

PATH = Path("pyproject.toml")
LINUX = Target(Python.parse("3.12"), "linux-x86_64")
MAC = Target(Python.parse("3.12"), "macos-arm64")


def parts(text: str, target: Target = LINUX) -> dict[str, Part]:
    return {section.name: settle(section, target)[0] for section in read(PATH, text).sections}


PROJECT = """\
[project]
name = "demo"
requires-python = ">=3.10"
dependencies = [
    "torch==2.8.0",  # why
    'torchvision >= 0.23',
    "numpy==2.0.0; sys_platform == 'darwin'",
]

[project.optional-dependencies]
train = ["fastai[dev]==2.8.5"]

[dependency-groups]
test = ["pytest", {include-group = "More"}]
more = ["pandas==2.3.3"]
"""


def test_sections_are_the_base_extras_and_groups() -> None:
    found = parts(PROJECT)
    assert list(found) == ["", "extra train", "group test", "group more"]
    assert found[""].stack.versions() == {"torch": "2.8.0"}
    assert str(found[""].ranges["torchvision"]) == ">=0.23"
    assert found["extra train"].stack.versions() == {"torch": "2.8.0", "fastai": "2.8.5"}
    assert found["group test"].stack.versions() == {"torch": "2.8.0", "pandas": "2.3.3"}
    assert parts(PROJECT, MAC)[""].stack.versions() == {"torch": "2.8.0", "numpy": "2.0.0"}


def test_lines() -> None:
    places = read(PATH, PROJECT).places
    assert {name: places[name].line for name in places} == {
        "torch": 5,
        "torchvision": 6,
        "numpy": 7,
        "fastai": 11,
        "pytest": 14,
        "pandas": 15,
    }


UV = """\
[project]
dependencies = ["torch==2.8.0", "torchvision==0.23.0"]
[project.optional-dependencies]
cpu = ["einops"]
[[tool.uv.index]]
name = "gpu"
url = "https://wheels.example/whl/cu126"
explicit = true
[[tool.uv.index]]
name = "cpu"
url = "https://wheels.example/whl/cpu"
explicit = true
[tool.uv.sources]
torch = [
  { index = "gpu", marker = "sys_platform == 'linux'" },
  { index = "cpu", extra = "cpu" },
]
torchvision = { index = "gpu" }
"""


def test_uv_sources_name_the_build() -> None:
    assert parts(UV)[""].stack["torch"].flavour == "cu126"
    assert parts(UV)[""].stack["torchvision"].flavour == "cu126"
    assert parts(UV, MAC)[""].stack["torch"].flavour is None
    assert parts(UV)[""].only == {"torch", "torchvision"}


def test_an_index_that_is_not_explicit_serves_torch_as_well() -> None:
    text = UV.replace("explicit = true\n", "", 1).partition("[tool.uv.sources]")[0]
    assert parts(text)[""].stack["torch"].flavour == "cu126"
    assert parts(text)[""].only == frozenset()


POETRY = """\
[tool.poetry.dependencies]
python = "^3.10"
torch = {version = "2.8.0", source = "pytorch"}
torchvision = "^0.23"
numpy = [{version = "1.26.4", python = "<3.12"}, {version = "2.0.0", python = ">=3.12"}]
local = {path = "../x"}

[tool.poetry.group.dev.dependencies]
fastai = "2.8.5"

[[tool.poetry.source]]
name = "pytorch"
url = "https://wheels.example/whl/cu128"
"""


def test_poetry() -> None:
    found = parts(POETRY)
    assert found[""].stack.versions() == {"torch": "2.8.0", "numpy": "2.0.0"}
    assert found[""].stack["torch"].flavour == "cu128"
    assert found["group dev"].stack.versions() == {"torch": "2.8.0", "numpy": "2.0.0", "fastai": "2.8.5"}
    assert read(PATH, POETRY).sections[0].python == ">=3.10,<4"
    places = read(PATH, POETRY).places
    assert [places[name].line for name in ("torch", "torchvision", "numpy", "fastai")] == [3, 4, 5, 9]


@pytest.mark.parametrize(
    ("text", "specifier"),
    [
        ("^2.8", ">=2.8,<3"),
        ("^0.23.1", ">=0.23.1,<0.24"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("~2.8", ">=2.8,<2.9"),
        ("~2", ">=2,<3"),
        ("~=2.8", "~=2.8"),
        ("2.8.0", "==2.8.0"),
        ("2.8.*", "==2.8.*"),
        (">=2,<3", ">=2,<3"),
        (">= 2, < 3", ">=2,<3"),
        ("*", ""),
        ("^1 || ^2", ""),
    ],
)
def test_poetry_versions(text: str, specifier: str) -> None:
    assert poetry.specifier(text) == specifier


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[project\n", "pyproject.toml:1: not TOML"),
        ("[project]\nname = 'x'\ndependencies = ['torch=2']\n", "pyproject.toml:3: "),
        ("[dependency-groups]\na = [{include-group = 'b'}]\nb = [{include-group = 'a'}]\n", "includes itself"),
        ("[dependency-groups]\na = [{include-group = 'b'}]\n", "there is no dependency group b"),
        ("x = " + "[" * 5000, "not TOML"),
    ],
)
def test_bad_input(text: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(PATH, text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "project = 1",
        "[project]\ndependencies = 'torch'",
        "[project]\ndependencies = [1, {}]",
        "[tool]\nuv = 3",
        "[tool.uv]\nsources = 1",
        "[tool.poetry]\ndependencies = []",
        "[tool.poetry.dependencies]\ntorch = 1",
        "[dependency-groups]\na = 1",
        "[project.optional-dependencies]\na = 'torch'",
    ],
)
def test_wrong_types_are_passed_over(text: str) -> None:
    assert read(PATH, text).stack.versions() == {}


def test_edit_changes_nothing_else() -> None:
    new = edit(PATH, PROJECT, {"torch": "==2.9.0", "fastai": "==2.8.6", "torchvision": "==0.24.0"})
    assert new == (
        PROJECT.replace("torch==2.8.0", "torch==2.9.0")
        .replace("torchvision >= 0.23", "torchvision ==0.24.0")
        .replace("fastai[dev]==2.8.5", "fastai[dev]==2.8.6")
    )


def test_edit_of_poetry() -> None:
    new = edit(PATH, POETRY, {"torch": "==2.9.0", "torchvision": "==0.24.0", "fastai": ">=2.8.6"})
    assert new == (
        POETRY.replace('version = "2.8.0"', 'version = "2.9.0"')
        .replace('"^0.23"', '"0.24.0"')
        .replace('"2.8.5"', '">=2.8.6"')
    )


@pytest.mark.parametrize("text", [PROJECT, UV, POETRY])
def test_edit_with_what_stands_there_changes_nothing(text: str) -> None:
    said = {entry.name: entry.specifier for section in read(PATH, text).sections for entry in section.entries}
    said.pop("numpy", None)  # two versions of one package cannot be said at once
    assert edit(PATH, text, said) == text
    assert edit(PATH, text, {}) == text
