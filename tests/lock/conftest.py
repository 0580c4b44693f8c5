"""A decision to lock, and the small world it is locked against."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from packaging.version import Version
from serve_index import Index, serve, torch_world

from compatmatrix.model.decision import Decision
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Host, Libc, Python
from compatmatrix.model.stack import Pin, Stack

PINS = ("torch==9.9.9+cu126", "torchvision==0.99.9+cu126", "fastai==2.99.0")


def make_host(
    python: str = "3.12",
    platform: str = "linux-x86_64",
    libc: Libc | None = Libc("glibc", 2, 36),  # noqa: B008
) -> Host:
    return Host(
        python=Fact.of(Python.parse(python), "given"),
        platform=Fact.of(platform, "given"),
        libc=Fact.of(libc, "given") if libc else Fact.unknown("not asked"),
        driver=Fact.unknown("no driver"),
        gpus=Fact.of((), "given"),
    )


def make_decision(
    *extras: str,
    index_url: str = "",
    pins: tuple[str, ...] = PINS,
    constraints: tuple[str, ...] = ("numpy<2",),
    host: Host | None = None,
) -> Decision:
    """A decision; pins are the stack."""
    split = [pin.partition("==") for pin in pins]
    return Decision(
        stack=Stack([Pin(name, Version(version)) for name, _, version in split]),
        build="cu126",
        index="pytorch" if index_url else "pypi",
        index_url=index_url,
        requirements=(*pins, *extras),
        constraints=constraints,
        host=host or make_host(),
        matrix_digest="sha256:" + "0" * 64,
    )


@pytest.fixture(scope="session")
def world() -> Iterator[Index]:
    """The served world; tests that change it serve one of their own."""
    with serve() as index:
        torch_world(index)
        yield index


@pytest.fixture(autouse=True)
def private_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No cache and no index setting of the machine that runs the tests, in us or in the programs we start."""
    import os

    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    monkeypatch.setenv("UV_NO_CONFIG", "0")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "uv-cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "config"))


@pytest.fixture
def told() -> tuple[list[str], Callable[[str], None]]:
    """What was said on progress, and the ear."""
    said: list[str] = []
    return said, said.append


@pytest.fixture
def this_host() -> Host:
    """The machine that runs the tests, so that what is locked can be installed here."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}.{sys.version_info[2]}"
    return make_host(python=version)


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder
