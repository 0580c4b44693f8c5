"""Both formats for conda, solved by py-rattler: a channel shaped like conda-forge, the host as virtual packages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import yaml
from packaging.version import Version

from compatmatrix.emit.conda import render as render_conda
from compatmatrix.emit.conda_forge import render as render_conda_forge
from compatmatrix.model.fact import Fact
from compatmatrix.model.lock import Lock
from compatmatrix.model.stack import Pin, Stack

from .conda_channel import channel

rattler = pytest.importorskip("rattler")
SolverError = pytest.importorskip("rattler.exceptions").SolverError

HOST = {"__glibc": "2.36", "__linux": "6.1", "__unix": "0"}
DRIVER_535 = {**HOST, "__cuda": "12.2"}
DRIVER_580 = {**HOST, "__cuda": "13.0"}
DRIVER_470 = {**HOST, "__cuda": "11.4"}


class Solve:
    """Solves a file as conda would; the answer is the build of each package by name."""

    def __init__(self, address: str, cache: Any) -> None:
        self.address, self.gateway = address, rattler.Gateway(cache_dir=cache)

    def __call__(self, text: str, host: dict[str, str]) -> dict[str, Any]:
        specs = [spec for spec in yaml.safe_load(text)["dependencies"] if isinstance(spec, str)]
        virtual = [
            rattler.GenericVirtualPackage(rattler.PackageName(name), rattler.Version(version), rattler.BuildString("0"))
            for name, version in host.items()
        ]
        solving = rattler.solve(
            [self.address], specs, gateway=self.gateway, platforms=["linux-64", "noarch"], virtual_packages=virtual
        )
        return {record.name.normalized: record for record in asyncio.run(self.run(solving))}

    @staticmethod
    async def run(solving: Any) -> Any:
        return await solving


@pytest.fixture(scope="module")
def solve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Solve]:
    with channel(tmp_path_factory.mktemp("channel")) as address:
        yield Solve(address, tmp_path_factory.mktemp("cache"))


def on(lock: Lock, build: str, *, gpu: bool = True) -> Lock:
    """The lock with versions that the channel has, in a build, for a host with or without GPU."""
    versions = {"torch": "2.13.0", "torchvision": "0.28.0", "fastai": "2.8.12", "python": "3.12.1"}
    host = lock.decision.host if gpu else replace(lock.decision.host, gpus=Fact.of((), "given"))
    stack = Stack(Pin(name, Version(version)) for name, version in versions.items())
    return Lock(replace(lock.decision, build=build, stack=stack, host=host), lock.packages)


@pytest.mark.parametrize(
    ("build", "host", "found"),
    [("cu126", DRIVER_535, "cuda129"), ("cu126", DRIVER_580, "cuda129"), ("cu132", DRIVER_580, "cuda130")],
)
def test_the_builds_of_the_cuda_major(
    cuda_lock: Lock, solve: Solve, build: str, host: dict[str, str], found: str
) -> None:
    solved = solve(render_conda_forge(on(cuda_lock, build)), host)
    assert str(solved["pytorch"].build).startswith(f"{found}_mkl_py312_")
    assert str(solved["torchvision"].build).startswith(f"{found}_py312_")
    versions = {name: str(solved[name].version) for name in ("pytorch-gpu", "torchvision", "fastai", "numpy", "python")}
    assert versions == {
        "pytorch-gpu": "2.13.0",
        "torchvision": "0.28.0",
        "fastai": "2.8.7",
        "numpy": "1.26.4",
        "python": "3.12.12",
    }


def test_the_cpu_builds_for_a_host_without_gpu(cuda_lock: Lock, solve: Solve) -> None:
    """On a machine with a driver too: the build number of the CUDA builds would win otherwise."""
    text = render_conda_forge(on(cuda_lock, "cu126", gpu=False))
    for host in (HOST, DRIVER_580):
        solved = solve(text, host)
        assert str(solved["pytorch"].build).startswith("cpu_mkl_py312_")
        assert str(solved["torchvision"].build).startswith("cpu_py312_")
        assert "cuda-version" not in solved


@pytest.mark.parametrize(
    ("build", "host", "why"),
    [
        ("cu126", DRIVER_470, "__cuda"),
        ("cu132", DRIVER_535, "__cuda"),
        ("cu126", HOST, "__cuda"),
        ("cu126", {**DRIVER_535, "__glibc": "2.28"}, "__glibc"),
    ],
)
def test_what_the_host_cannot_run_is_refused(
    cuda_lock: Lock, solve: Solve, build: str, host: dict[str, str], why: str
) -> None:
    with pytest.raises(SolverError, match=why):
        solve(render_conda_forge(on(cuda_lock, build)), host)


def test_the_wheels_beside_condas_python(cuda_lock: Lock, solve: Solve) -> None:
    """No torch of conda's; a driver of the CUDA family or none at all."""
    text = render_conda(cuda_lock)
    for host in (HOST, DRIVER_535):
        solved = solve(text, host)
        assert solved.keys() == {"python", "cuda-version", "pip"}
        assert (str(solved["python"].version), str(solved["cuda-version"].version)) == ("3.12.12", "12.6")
    with pytest.raises(SolverError, match="__cuda"):
        solve(text, DRIVER_470)
    with pytest.raises(SolverError, match="__glibc"):
        solve(text, {**HOST, "__glibc": "2.31"})
