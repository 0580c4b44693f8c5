"""The locks that every format is shown: the same for all, so that formats can be compared."""

from __future__ import annotations

import pytest
from packaging.version import Version

from compatmatrix.model.cuda import Capability, Cuda
from compatmatrix.model.decision import Decision, Floor, ProofMark, Rejection
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.fact import Fact
from compatmatrix.model.finding import Evidence, Finding, Severity
from compatmatrix.model.host import Gpu, Host, Libc, Python
from compatmatrix.model.lock import File, Lock, Package
from compatmatrix.model.proof import ProofLevel
from compatmatrix.model.stack import Pin, Stack

INDEX = "https://index.example/whl/cu126"


def digest(seed: int) -> str:
    return "sha256:" + f"{seed:064x}"


def package(name: str, version: str, *seeds: int, marker: str = "", index: str = "", source: bool = False) -> Package:
    """A package with one wheel for each seed of a hash, or one source distribution."""
    files = tuple(
        File(
            f"{name}-{version}.tar.gz" if source else f"{name}-{version}-{seed}-py3-none-any.whl",
            f"https://files.example/{name}/{seed}/{name}-{version}{'.tar.gz' if source else '-py3-none-any.whl'}",
            digest(seed),
            seed * 1000,
        )
        for seed in seeds
    )
    return Package(name, Version(version), tuple(map(digest, seeds)), marker, index, files)


def cuda_lock() -> Lock:
    """A CUDA build from a PyTorch index that needs credentials, two kinds of GPU, markers, a hostile note."""
    pins = [Pin("torch", Version("9.9.9+cu126"), "cu126"), Pin("torchvision", Version("0.99.9+cu126"), "cu126")]
    stack = Stack([*pins, Pin("fastai", Version("2.99.0")), Pin("python", Version("3.12.1"))])
    gpus = (Gpu("Tesla V100", Capability(7, 0), 16384), Gpu("Tesla V100", Capability(7, 0), 16384), Gpu("Odd One"))
    host = Host(
        python=Fact.of(Python.parse("3.12.1"), "given"),
        platform=Fact.of("linux-x86_64", "given"),
        libc=Fact.of(Libc("glibc", 2, 36), "given"),
        driver=Fact.of(Version("580.126.11"), "nvidia-smi"),
        gpus=Fact.of(gpus, "nvidia-smi"),
        driver_cuda=Fact.of(Cuda(13, 0), "nvidia-smi"),
    )
    evidence = (Evidence("https://index.example/torch", "2026-01-01"),)
    finding = Finding("arch-missing", Severity.ERROR, "no kernels for 7.0", packages=("torch",), evidence=evidence)
    rejected = Rejection(Stack([Pin("torch", Version("9.9.9+cu130"), "cu130")]), "cu130", "pypi", lambda: (finding,))
    decision = Decision(
        stack,
        "cu126",
        "pytorch",
        INDEX.replace("//", "//me:secret@"),
        ("torch==9.9.9+cu126", "torchvision==0.99.9+cu126", "fastai==2.99.0"),
        ("numpy<2",),
        host,
        digest(1),
        (rejected,),
        ("stepped back one release: a note\n--index-url https://hostile.example",),
        ProofMark(ProofLevel.TRAINED_GPU, "cu126/9.9.9.json"),
        floor=Floor(DriverVersion("450.80.02"), Capability(5, 0)),
    )
    packages = (
        package("colorama", "0.4.6", 2, marker='sys_platform == "win32" and python_version < "3.15"'),
        package("fastai", "2.99.0", 3),
        package("numpy", "1.26.4", 4, 5),
        package("torch", "9.9.9+cu126", 6, index=INDEX),
        package("torchvision", "0.99.9+cu126", 7, index=INDEX),
    )
    return Lock(decision, packages)


def cpu_lock() -> Lock:
    """PyPI's build for a host without GPU of which little is known; no fastai, no proof."""
    host = Host(
        python=Fact.of(Python.parse("3.8"), "given"),
        platform=Fact.of("macos-arm64", "given"),
        libc=Fact.unknown("not asked"),
        driver=Fact.unknown("no driver"),
        gpus=Fact.of((), "given"),
    )
    stack = Stack([Pin("torch", Version("9.9.9"))])
    decision = Decision(stack, "cpu", "pypi", "", ("torch==9.9.9",), (), host, digest(1))
    return Lock(decision, (package("torch", "9.9.9", 6),))


def plain_lock() -> Lock:
    """Unknown GPUs, a free-threaded Python, a PyPI build with CUDA."""
    host = Host(
        python=Fact.of(Python.parse("3.14t"), "given"),
        platform=Fact.of("linux-aarch64", "given"),
        libc=Fact.of(Libc("glibc", 2, 39), "given"),
        driver=Fact.unknown("nvidia-smi hangs"),
        gpus=Fact.unknown("nvidia-smi hangs"),
    )
    stack = Stack([Pin("torch", Version("9.9.9")), Pin("torchaudio", Version("9.9.9"))])
    decision = Decision(stack, "cu130", "pypi", "", ("torch==9.9.9", "torchaudio==9.9.9"), (), host, digest(1))
    packages = (
        package("numpy", "2.3.0", 4, source=True),
        package("torch", "9.9.9", 6),
        package("torchaudio", "9.9.9", 7),
    )
    return Lock(decision, packages)


LOCKS = {"cuda": cuda_lock, "cpu": cpu_lock, "plain": plain_lock}


@pytest.fixture(params=LOCKS)
def named_lock(request: pytest.FixtureRequest) -> tuple[str, Lock]:
    """Every lock with its name."""
    return request.param, LOCKS[request.param]()


@pytest.fixture(name="cuda_lock")
def _cuda_lock() -> Lock:
    return cuda_lock()


@pytest.fixture(name="cpu_lock")
def _cpu_lock() -> Lock:
    return cpu_lock()
