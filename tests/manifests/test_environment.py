from __future__ import annotations

from pathlib import Path

import pytest

from compatmatrix.errors import BadInput
from compatmatrix.manifests.conda_spec import parse
from compatmatrix.manifests.environment import edit, read
from compatmatrix.manifests.manifest import Part, settle
from compatmatrix.manifests.yaml_nodes import MAX_DEPTH, load
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.target import Target

PATH = Path("environment.yml")

FILE = """\
name: demo
channels:  # in this order
  - pytorch
  - conda-forge
dependencies:
  - python=3.11
  - pytorch::pytorch=2.5.1
  - torchvision =0.20
  - pytorch-cuda=12.4  # floor
  - "numpy>=1.26,<2"
  - pip
  - pip:
      - fastai==2.7.18  # old
      - 'timm[all]>=1'
"""


def part(text: str) -> Part:
    (section,) = read(PATH, text).sections
    (found,) = settle(section, Target())
    return found


def test_conda_and_pip() -> None:
    found = part(FILE)
    assert found.stack.versions() == {"torch": "2.5.1", "fastai": "2.7.18"}
    assert {"torch", "torchvision", "numpy"} <= found.conda
    assert "fastai" not in found.conda
    assert str(found.ranges["torchvision"]) == "==0.20.*"
    assert found.section.python == "==3.11.*"
    assert found.section.cuda == Cuda(12, 4)
    assert found.section.cuda_place == (str(PATH), 9)
    lines = {name: place.line for name, place in found.places.items()}
    assert (lines["torch"], lines["numpy"], lines["fastai"], lines["timm"]) == (7, 10, 13, 14)


@pytest.mark.parametrize("line", ["cpuonly", "pytorch=2.5.1=*cpu*"])
def test_a_cpu_build_asks_for_no_cuda(line: str) -> None:
    assert part(f"dependencies: [pytorch=2.5.1, cudatoolkit=11.3, {line!r}]\n").section.cuda is None


def test_pip_replaces_what_conda_installed() -> None:
    found = part("dependencies:\n- pytorch=2.5.1\n- pip:\n  - torch==2.8.0\n")
    assert found.stack.versions() == {"torch": "2.8.0"}
    assert found.conda == frozenset()


def test_pip_index_lines() -> None:
    text = "dependencies:\n- pip:\n  - --extra-index-url https://wheels.example/whl/cu126\n  - torch==2.8.0\n"
    assert part(text).stack["torch"].flavour == "cu126"


@pytest.mark.parametrize(
    ("text", "name", "specifier", "cuda"),
    [
        ("pytorch", "torch", "", None),
        ("pytorch=2.5", "torch", "==2.5.*", None),
        ("pytorch=2.5.1", "torch", "==2.5.1", None),
        ("pytorch==2.5", "torch", "==2.5", None),
        ("pytorch 2.5.1", "torch", "==2.5.1", None),
        ("pytorch 2.5.*", "torch", "==2.5.*", None),
        ("pytorch=2.5.*", "torch", "==2.5.*", None),
        ("pytorch=2.5.1=py3.11_cuda12.4_cudnn9.1.0_0", "torch", "==2.5.1", "12.4"),
        ("pytorch~=2.1.0=*cuda120*", "torch", "~=2.1.0", "12.0"),
        ("pytorch=2.7.1=cuda126_mkl_py312_h30b5a27_300", "torch", "==2.7.1", "12.6"),
        ("conda-forge::pytorch-gpu>=2.4,<2.6", "torch", ">=2.4,<2.6", None),
        ("pytorch[version='2.5.1',build='*cuda124*']", "torch", "==2.5.1", "12.4"),
        ("pytorch 2.5|2.6", "torch", "", None),
        ("cuda-version=12.6", "cuda-version", "==12.6.*", "12.6"),
        ("cuda-version=13", "cuda-version", "==13.*", "13.0"),
        ("pytorch-cuda=11.8", "pytorch-cuda", "==11.8.*", "11.8"),
        ("cuda-version>=12", "cuda-version", ">=12", None),
        ("numpy!=2.0.*", "numpy", "!=2.0.*", None),
    ],
)
def test_conda_specs(text: str, name: str, specifier: str, cuda: str | None) -> None:
    spec = parse(text)
    assert spec is not None
    assert (spec.name, spec.specifier) == (name, specifier)
    assert spec.cuda == (Cuda.parse(cuda) if cuda else None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dependencies:\n- [a\n", ":"),
        ("dependencies:\n  - a\n - b\n", "environment.yml:3: not YAML"),
        ("dependencies:\n- pip:\n  - torch=2\n", "environment.yml:3: "),
        ("dependencies:\n- '=2'\n", "environment.yml:2: not a conda specification"),
        ("dependencies:\n- pip:\n  - -r nowhere.txt\n", "environment.yml:3: nowhere.txt: No such file"),
        ("dependencies: " + "[" * 100_000, "nested more than"),
        ("a: *nothing\n", "not YAML"),
        ("\x01", "not YAML"),
    ],
)
def test_bad_input(text: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(PATH, text)
    assert words in str(caught.value)


def test_aliases_are_shared_and_never_multiplied() -> None:
    """The billion laughs: each line has the one above ten times."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    text = "\n".join([*lines, "dependencies: [*a29]"])
    with pytest.raises(BadInput, match=r"environment\.yml:31: not a conda specification: a list"):
        read(PATH, text)


def test_an_alias_to_itself_is_no_endless_loop() -> None:
    assert load(PATH, "a: &a [*a]\nb: 1\n").text("b") == "1"


def test_nesting_up_to_the_limit_is_read() -> None:
    assert load(PATH, "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)).line == 1


@pytest.mark.parametrize("text", ["", "- a\n", "dependencies: 3\n", "dependencies: {a: b}\n", "a\n", "dependencies:\n"])
def test_nothing_there(text: str) -> None:
    assert part(text).stack.versions() == {}


def test_edit_changes_nothing_else() -> None:
    new = edit(PATH, FILE, {"torch": "==2.6.0+cu126", "fastai": "==2.8.5", "numpy": ">=2", "torchvision": "==0.21.0"})
    assert new == (
        FILE.replace("pytorch::pytorch=2.5.1", "pytorch::pytorch=2.6.0")
        .replace("fastai==2.7.18", "fastai==2.8.5")
        .replace("numpy>=1.26,<2", "numpy>=2")
        .replace("torchvision =0.20", "torchvision=0.21.0")
    )


def test_edit_with_what_stands_there_changes_nothing() -> None:
    said = {entry.name: entry.specifier for entry in read(PATH, FILE).sections[0].entries}
    assert edit(PATH, FILE, said) == FILE


def test_a_pattern_that_tells_cpu_from_cuda_stays_with_a_new_version() -> None:
    text = "dependencies:\n  - pytorch=2.5.1=*cpu*\n  - torchvision=0.19.1=py311_cu121\n"
    new = edit(Path("environment.yml"), text, {"torch": "==2.4.1", "torchvision": "==0.19.0"})
    assert new == "dependencies:\n  - pytorch=2.4.1=*cpu*\n  - torchvision=0.19.0\n"
