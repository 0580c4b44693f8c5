"""The house's rules: imports go downward only, and the outside world has named doors."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "compatmatrix"

# Lower floors first; a package may import from its own floor (itself only) and from those below.
FLOORS = [
    {"errors"},
    {"model"},
    {"matrix", "process", "index", "atomic"},
    {"probe", "manifests", "rules", "emit"},
    {"resolve", "refresh"},
    {"lock"},
    {"prove"},
    {"page"},
    {"cli"},
    {"__main__"},
]
FLOOR_OF = {name: number for number, names in enumerate(FLOORS) for name in names}

# Who may use what.
ALLOWED = {
    "subprocess": {"process.py"},
    "requests": {"index.py"},
    "click": {"cli"},
    "tomlkit": {"manifests", "refresh"},
    "yaml": {"manifests"},
}
ENVIRON_ALLOWED = {"index.py", "probe", "prove"}

FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if "payload" not in path.parts]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def floor_name(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_downward(path: Path) -> None:
    own = floor_name(path)
    if own == "__init__":
        return
    for module in imports(path):
        parts = module.split(".")
        if parts[0] != "compatmatrix" or len(parts) == 1:
            continue
        other = parts[1]
        assert other == own or FLOOR_OF[other] < FLOOR_OF[own], f"{own} must not import {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_doors(path: Path) -> None:
    first = path.relative_to(PACKAGE).parts[0]
    for module in imports(path):
        top = module.split(".")[0]
        if top in ALLOWED:
            assert first in ALLOWED[top], f"{first} must not use {top}"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    if {"environ", "getenv"} & names:
        assert first in ENVIRON_ALLOWED, f"{first} must not look at the environment"


def test_every_floor_exists() -> None:
    present = {floor_name(path) for path in FILES} - {"__init__"}
    assert present == set(FLOOR_OF)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_stay_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350


def test_no_version_numbers_in_code() -> None:
    """Facts are rows of the matrix: no rule, emitter or resolver names a release."""
    import re

    for path in FILES:
        if path.relative_to(PACKAGE).parts[0] in ("rules", "resolve", "emit", "lock"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                    node.value.value = ""  # a docstring may give an example
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    assert not re.search(r"\b\d+\.\d+\.\d+\b|\bcu\d{3}\b", node.value), f"{path}: {node.value!r}"
