from __future__ import annotations

from pathlib import Path

import pytest

from compatmatrix.errors import BadInput, UsageError
from compatmatrix.lock.inputs import for_host, read_inputs
from compatmatrix.resolve.question import parse_requirements

from .conftest import make_host

PROJECT = """\
[project]
name = "Mine"
dependencies = ["timm>=1", "torch<3; sys_platform == 'win32'"]
[project.optional-dependencies]
plots = ["seaborn"]
all = ["mine[plots]", "rich"]
[dependency-groups]
dev = ["pytest", {include-group = "lint"}]
lint = ["ruff"]
"""


def names(path: Path, **more: list[str]) -> list[str]:
    return [requirement.name for requirement in read_inputs([path], **more).requirements]


def test_requirements_with_includes_and_limits(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("rich[jupyter]>=1  # why\n")
    (tmp_path / "limits.txt").write_text("numpy<2\n")
    file = tmp_path / "requirements.in"
    file.write_text("\ufefftimm>=1 \\\n  ,<2\n-r more.txt\n-c limits.txt\n--index-url https://x.example/simple\n")
    wanted = read_inputs([file])
    assert list(map(str, wanted.requirements)) == ["timm<2,>=1", "rich[jupyter]>=1"]
    assert list(map(str, wanted.constraints)) == ["numpy<2"]
    assert wanted.passed_over == (f"{file}:5: --index-url",)


def test_pyproject_with_groups_and_extras(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(PROJECT)
    assert names(file) == ["timm", "torch"]
    assert names(file, groups=["dev"]) == ["timm", "torch", "pytest", "ruff"]
    assert names(file, extras=["all"]) == ["timm", "torch", "seaborn", "rich"]
    with pytest.raises(UsageError, match="--group nope"):
        read_inputs([file], groups=["nope"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("timm\n??\n", "2: "),
        ("-e .\n", "1: -e: a path or an address"),
        ("x @ https://x.example/x.whl\n", "1: x: an address"),
        ("\n-r nowhere.txt\n", "2: "),
        ("-r requirements.in\n", "includes itself"),
    ],
)
def test_bad_lines_have_their_place(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "requirements.in"
    file.write_text(text)
    with pytest.raises(BadInput) as caught:
        read_inputs([file])
    assert str(file) in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[project]\ndependencies = [", ":2: not TOML"),
        ("[project]\ndependencies = [\n'ok', 'no no']\n", ":3: "),
        ("[tool.poetry]\n", "neither [project]"),
        ("[dependency-groups]\na = [{include-group = 'a'}]\n", "includes itself"),
        ("[dependency-groups]\na = [{include-group = 'b'}]\n", "no dependency group b"),
        ("[project]\nname='m'\n[project.optional-dependencies]\na = ['m[a]']\n", "includes itself"),
    ],
)
def test_bad_projects_have_their_place(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(text)
    with pytest.raises(BadInput) as caught:
        read_inputs([file], groups=["a"] if "groups" in text else [], extras=["a"] if "optional" in text else [])
    assert words in str(caught.value)


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00", b"a\x00b", None], ids=["half a UTF-16", "NUL", "missing"])
def test_what_is_no_text(tmp_path: Path, raw: bytes | None) -> None:
    file = tmp_path / "requirements.in"
    if raw is not None:
        file.write_bytes(raw)
    with pytest.raises(BadInput, match=r"requirements\.in"):
        read_inputs([file])


def test_markers_of_the_stack_are_settled_for_the_host() -> None:
    texts = ["torch<2; python_version < '3.8'", "torch<3; python_version >= '3.8'", "timm; sys_platform == 'win32'"]
    kept = list(map(str, for_host(parse_requirements(texts), make_host())))
    assert kept == ["torch<3", 'timm; sys_platform == "win32"']
