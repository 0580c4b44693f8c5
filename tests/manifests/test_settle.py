"""The stacks that a section makes for a machine that is known, half known or not known at all."""

from __future__ import annotations

from pathlib import Path

from compatmatrix.manifests.manifest import Section, settle
from compatmatrix.manifests.requirements import read
from compatmatrix.model.host import Python
from compatmatrix.model.target import Target

ANY = Target()
LINUX = Target(Python.parse("3.11.4"), "linux-x86_64")


def section(text: str) -> Section:
    return read(Path("requirements.txt"), text).sections[0]


FORKED = """\
torch==2.8.0 ; sys_platform == 'darwin'
torch==2.8.0+cu126 ; sys_platform != 'darwin'
torchvision==0.23.0 ; sys_platform == 'darwin'
torchvision==0.23.0+cu126 ; sys_platform != 'darwin'
numpy==1.26.4 ; sys_platform == 'darwin'
numpy==2.2.6 ; sys_platform != 'darwin'
pandas==2.3.3
"""


def test_forks_of_a_machine_that_is_not_known_are_stacks_of_their_own() -> None:
    mac, linux = settle(section(FORKED), ANY)
    assert mac.stack.versions() == {"torch": "2.8.0", "torchvision": "0.23.0", "pandas": "2.3.3"}
    assert linux.stack.versions() == {"torch": "2.8.0+cu126", "torchvision": "0.23.0+cu126", "pandas": "2.3.3"}


def test_the_fork_of_a_machine_that_is_known() -> None:
    (linux,) = settle(section(FORKED), LINUX)
    assert linux.stack.versions() == {
        "torch": "2.8.0+cu126",
        "torchvision": "0.23.0+cu126",
        "numpy": "2.2.6",
        "pandas": "2.3.3",
    }


def test_a_doubtful_choice_beside_torch_is_left_out() -> None:
    text = "torch==2.8.0\nnumpy==1.26.4; python_version<'3.10'\nnumpy==2.0; python_version>='3.10'\n"
    (part,) = settle(section(text), ANY)
    assert part.stack.versions() == {"torch": "2.8.0"}


def test_a_pin_and_a_range_on_one_package() -> None:
    (part,) = settle(section("torch>=2\ntorch==2.8.0\nnumpy>=1\nnumpy<2\n"), ANY)
    assert part.stack.versions() == {"torch": "2.8.0"}
    assert str(part.ranges["numpy"]) == "<2,>=1"
