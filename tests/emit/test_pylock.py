from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest
from packaging.markers import Marker
from packaging.pylock import Pylock

from compatmatrix.emit.pylock import render
from compatmatrix.errors import BadInput
from compatmatrix.lock.answer import read_answer
from compatmatrix.model.lock import Lock

from .conftest import INDEX


def test_the_standards_reader_takes_it(named_lock: tuple[str, Lock]) -> None:
    _, lock = named_lock
    read = Pylock.from_dict(tomllib.loads(render(lock)))
    assert read.created_by == "compatmatrix"
    assert [(package.name, package.version) for package in read.packages] == [
        (p.name, p.version) for p in lock.packages
    ]
    assert read.tool and read.tool["compatmatrix"]["build"] == lock.decision.build


def test_each_file_with_address_size_and_hash(cuda_lock: Lock) -> None:
    read = Pylock.from_dict(tomllib.loads(render(cuda_lock)))
    colorama, _, numpy, torch, _ = read.packages
    assert colorama.marker == Marker('sys_platform == "win32" and python_version < "3.15"')
    assert numpy.wheels and [wheel.size for wheel in numpy.wheels] == [4000, 5000]
    assert numpy.index is None
    assert torch.index == INDEX
    assert torch.wheels and torch.wheels[0].url == "https://files.example/torch/6/torch-9.9.9+cu126-py3-none-any.whl"
    assert str(read.requires_python) == "==3.12.*"


def test_reads_back(named_lock: tuple[str, Lock]) -> None:
    _, lock = named_lock
    read = read_answer(render(lock), lock.decision.index_url and INDEX)
    assert read == lock.packages
    assert [package.files for package in read] == [package.files for package in lock.packages]


def test_without_the_addresses_there_is_none(cuda_lock: Lock) -> None:
    first, *rest = cuda_lock.packages
    with pytest.raises(BadInput, match=r"not known of colorama 0\.4\.6\n"):
        render(Lock(cuda_lock.decision, (replace(first, files=()), *rest)))
