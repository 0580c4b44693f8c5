"""Edits in place, for any version and any layout: what is said again changes nothing, what is new is read back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from compatmatrix.errors import BadInput
from compatmatrix.manifests.read import edit, format_of
from compatmatrix.manifests.requirements import replace_specifier

versions = st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30)).map(lambda v: ".".join(map(str, v)))
builds = st.sampled_from(["", "+cpu", "+cu126"])
pins = st.builds(lambda version, local: f"=={version}{local}", versions, builds)
ranges = st.builds(lambda low, high: f">={low},<{high}", versions, versions)
specifiers = st.one_of(pins, ranges)

LAYOUTS = {
    "requirements.txt": "# top\r\n{torch}  # why\r\n\r\n-r other.txt\r\n{vision} ; python_version>'3'\n",
    "pyproject.toml": "[project]\ndependencies = [\n  '{torch}', # why\n    \"{vision}; os_name > '3'\"\n]\n# end\n",
    "environment.yml": "dependencies:\n  - numpy=1.2.3\n  - pip:\n    - {torch}   # why\n    - '{vision}'\n",
    "Dockerfile": "FROM x\nRUN pip install \\\n  '{torch}' \\\n # why\n  \"{vision}\" && true\n",
}


@pytest.mark.parametrize("name", LAYOUTS)
@settings(deadline=None, max_examples=50)
@given(torch=specifiers, vision=specifiers)
def test_what_stands_there_changes_nothing(name: str, torch: str, vision: str) -> None:
    text = LAYOUTS[name].replace("{torch}", f"torch{torch}").replace("{vision}", f"torchvision{vision}")
    assert edit(Path(name), text, {"torch": torch, "torchvision": vision}) == text


@pytest.mark.parametrize("name", LAYOUTS)
@settings(deadline=None, max_examples=50)
@given(old=specifiers, new=specifiers)
def test_only_the_specifier_changes_and_is_read_back(name: str, old: str, new: str) -> None:
    layout = LAYOUTS[name].replace("{vision}", "torchvision==0.1.2").replace("-r other.txt", "")
    text = layout.replace("{torch}", f"torch{old}")
    edited = edit(Path(name), text, {"torch": new})
    if SpecifierSet(old) == SpecifierSet(new):
        assert edited == text
        return
    assert edited == layout.replace("{torch}", f"torch{new}")
    entries = format_of(Path(name), edited).read(Path(name), edited).sections[-1].entries
    (found,) = [entry for entry in entries if entry.name == "torch"]
    assert SpecifierSet(found.specifier) == SpecifierSet(new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("torch", "torch==2"),
        ("torch # why", "torch==2 # why"),
        ("torch ; python_version>'3'", "torch==2 ; python_version>'3'"),
        ("torch [a,b] >= 1, < 2 ; x", "torch [a,b] ==2 ; x"),
        ("torch (>=1,<2)", "torch ==2"),
        ("torch==1 \\", "torch==2 \\"),
        ("torch==1,!=1.5  # why", "torch==2  # why"),
    ],
)
def test_replace_specifier(old: str, new: str) -> None:
    assert replace_specifier(old, "==2") == new


def test_hashes_hold_for_the_old_version_only() -> None:
    text = "numpy==1.0\ntorch==2.8.0 \\\n  --hash=sha256:abc\n"
    with pytest.raises(BadInput, match=r"requirements\.txt:2: torch is locked with hashes"):
        edit(Path("requirements.txt"), text, {"torch": "==2.9.0"})
    changes = {"torch": "==2.8.0", "numpy": "==2.0"}
    assert edit(Path("requirements.txt"), text, changes) == text.replace("1.0", "2.0")


def test_a_version_on_the_next_line_is_left_to_people() -> None:
    with pytest.raises(BadInput, match=r"requirements\.txt:1: the version of torch stands on the next line"):
        edit(Path("requirements.txt"), "torch==\\\n2.8.0\n", {"torch": "==2.9.0"})
