"""The index of a build in a file's text: moved, dropped, newly named; what is not it stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from compatmatrix.manifests.index_edit import added, dropped, moved
from compatmatrix.manifests.pyproject_index import Use
from compatmatrix.model.target import Target

CPU, CUDA = "https://download.pytorch.org/whl/cpu", "https://download.pytorch.org/whl/cu126"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"-i {CPU}/\n", f"-i {CUDA}/\n"),
        ("--index-url=https://mirror.example/cpu/simple\n", "--index-url=https://mirror.example/cu126/simple\n"),
        (f"# {CPU}\ntorch  # {CPU}\n", f"# {CPU}\ntorch  # {CPU}\n"),
        ("--index-url https://mirror.example/cpu/packages\n", "--index-url https://mirror.example/cpu/packages\n"),
        ("-i https://download.pytorch.org/whl/cu118\n", "-i https://download.pytorch.org/whl/cu118\n"),
    ],
)
def test_an_address_moves(text: str, expected: str) -> None:
    assert moved("requirements", Path("requirements.txt"), text, "cpu", "cu126") == expected


def test_a_name_without_the_tag_stays_and_one_that_is_taken_is_not_given_twice() -> None:
    plain = f'[[tool.uv.index]]\nname = "torch"\nurl = "{CPU}"\n'
    assert moved("pyproject", Path("p.toml"), plain, "cpu", "cu126") == plain.replace(CPU, CUDA)
    two = f'[[tool.uv.index]]\nname = "t-cpu"\nurl = "{CPU}"\n[[tool.uv.index]]\nname = "t-cu126"\nurl = "{CUDA}"\n'
    assert 'name = "t-cpu"' in moved("pyproject", Path("p.toml"), two, "cpu", "cu126")


def without(kind: str, text: str, tag: str) -> str:
    return dropped(kind, Path("requirements.txt"), text, tag, Use("", Target()))


def naming(kind: str, text: str) -> str | None:
    return added(kind, Path("no-such-folder/pyproject.toml"), text, CUDA, ["torch"])


def test_an_option_goes_with_its_line() -> None:
    assert (
        without("requirements", f"torch\r\n--extra-index-url {CPU}  # x\r\nfastai\r\n", "cpu") == "torch\r\nfastai\r\n"
    )
    assert without("requirements", f"--extra-index-url {CPU}", "cu126") == f"--extra-index-url {CPU}"
    assert without("environment.yml", f"  - pip:\n    - --extra-index-url {CPU}\n    - x\n", "cpu") == (
        "  - pip:\n    - x\n"
    )
    assert without("Dockerfile", f"RUN pip install --index-url={CPU} torch\n", "cpu") == "RUN pip install torch\n"


def test_an_index_is_added_where_that_is_safe() -> None:
    assert naming("requirements", "# why\n\ntorch\n") == f"# why\n\n--extra-index-url {CUDA}\ntorch\n"
    assert naming("Dockerfile", "RUN uv pip install torch==2.6.0+cu126\n") is None
    assert naming("Dockerfile", 'RUN ["pip", "install", "torch==2.6.0+cu126"]\n') is None
    assert naming("pyproject", 'x = "torch==2.6.0+cu126"\n') is None
