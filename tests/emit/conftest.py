"""The locks that every format is shown: the same for all, so that formats can be compared."""

from __future__ import annotations

import pytest
from packaging.version import Version

from compatmatrix.model.cuda import Capability, Cuda
from compatmatrix.model.decision import Decision, ProofMark, Rejection
from compatmatrix.model.fact import Fact
from compatmatrix.model.finding import Evidence, Finding, Severity
from compatmatrix.model.host import Gpu, Host, Libc, Python
from compatmatrix.model.lock import Lock, Package
from compatmatrix.model.proof import ProofLevel
from compatmatrix.model.stack import Pin, Stack

INDEX = "https://index.example/whl/cu126"


def digest(seed: int) -> str:
    return "sha256:" + f"{seed:064x}"


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
    rejected = Rejection(Stack([Pin("torch", Version("9.9.9+cu130"), "cu130")]), "cu130", "pypi", (finding,))
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
    )
    packages = (
        Package("colorama", Version("0.4.6"), (digest(2),), 'sys_platform == "win32" and python_version < "3.15"'),
        Package("fastai", Version("2.99.0"), (digest(3),)),
        Package("numpy", Version("1.26.4"), (digest(4), digest(5))),
        Package("torch", Version("9.9.9+cu126"), (digest(6),), "", INDEX),
        Package("torchvision", Version("0.99.9+cu126"), (digest(7),), "", INDEX),
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
    return Lock(decision, (Package("torch", Version("9.9.9"), (digest(6),)),))


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
        Package("numpy", Version("2.3.0"), (digest(4),)),
        Package("torch", Version("9.9.9"), (digest(6),)),
        Package("torchaudio", Version("9.9.9"), (digest(7),)),
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
