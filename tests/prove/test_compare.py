"""What has changed since a proof: everything that differs, and nothing that is merely not known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from compatmatrix.errors import BadInput
from compatmatrix.model.cuda import Capability
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Gpu, Libc, Python
from compatmatrix.model.stack import Pin, Stack
from compatmatrix.prove.compare import Change, changes, in_words
from compatmatrix.prove.record import ProofRecord, digest, read_lock, read_record

from .test_record import HOST as WITH_VERSION
from .test_record import PASSED
from .test_record import record_of as made

HOST = replace(WITH_VERSION, driver=Fact.of(DriverVersion("580.65.06"), "nvidia-smi"))
PROOFS = Path(__file__).parents[2] / "data" / "proofs"


def record_of() -> ProofRecord:
    return replace(made(), host=HOST)


def stack(**versions: str) -> Stack:
    found = {"fastai": "2.8.12", "torch": "2.15.0+cu130", **versions}
    return Stack(Pin(name, Version(version), "cu130" if name == "torch" else None) for name, version in found.items())


def test_the_same_machine() -> None:
    assert changes(record_of(), HOST, stack()) == []
    assert changes(record_of(), HOST, stack(torch="2.15.0", mamba="1.0")) == []


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        ({"driver": DriverVersion("595.10")}, Change("driver", "580.65.06", "595.10")),
        ({"python": Python.parse("3.12.4")}, Change("python", "3.12.1", "3.12.4")),
        ({"libc": Libc("glibc", 2, 39)}, Change("libc", "glibc 2.35", "glibc 2.39")),
        ({"platform": "linux-aarch64"}, Change("platform", "linux-x86_64", "linux-aarch64")),
        ({"gpus": ()}, Change("gpus", "NVIDIA H200", "none")),
        ({"gpus": (Gpu("NVIDIA H200"),) * 2}, Change("gpus", "NVIDIA H200", "2 x NVIDIA H200")),
    ],
)
def test_another_host(facts: dict[str, Any], wanted: Change) -> None:
    now = replace(HOST, **{name: Fact.of(value, "detected") for name, value in facts.items()})
    assert changes(record_of(), now, stack()) == [wanted]


@pytest.mark.parametrize("name", ["driver", "gpus", "python", "libc", "platform"])
def test_what_is_not_known_is_no_change(name: str) -> None:
    blind = replace(HOST, **{name: Fact.unknown("not asked")})
    assert changes(record_of(), blind, stack()) == []
    assert changes(replace(record_of(), host=blind), HOST, stack()) == []


def test_the_order_of_gpus_and_an_unknown_capability_do_not_count() -> None:
    one, other = Gpu("NVIDIA L4", Capability(8, 9)), Gpu("NVIDIA H200", Capability(9, 0))
    before = replace(record_of(), host=replace(HOST, gpus=Fact.of((one, other), "given")))
    now = replace(HOST, gpus=Fact.of((Gpu("NVIDIA H200"), Gpu("NVIDIA L4")), "names"))
    assert changes(before, now, stack()) == []


def test_other_versions() -> None:
    assert changes(record_of(), HOST, stack(fastai="2.8.11")) == [Change("fastai", "2.8.12", "2.8.11")]
    gone = Stack([pin for pin in stack().values() if pin.name != "fastai"])
    assert changes(record_of(), HOST, gone) == [Change("fastai", "2.8.12", "")]
    assert str(Change("fastai", "2.8.12", "")) == "fastai was 2.8.12, is gone"


def test_another_build() -> None:
    other = Stack([Pin("fastai", Version("2.8.12")), Pin("torch", Version("2.15.0+cpu"), "cpu")])
    assert changes(record_of(), HOST, other) == [Change("build", "cu130", "cpu")]


LOCK = """--extra-index-url https://download.pytorch.org/whl/cu130
fastai==2.8.12 --hash=sha256:{0}
torch==2.15.0+cu130 --hash=sha256:{0}
typer==0.9.0 --hash=sha256:{0}
colorama==0.4.6 ; sys_platform == 'win32' --hash=sha256:{0}
setuptools==80.0 --hash=sha256:{0}
""".format("0" * 64)


def locked() -> ProofRecord:
    return replace(record_of(), lock_digest=digest(LOCK))


def test_with_its_lock_every_package_counts() -> None:
    assert changes(locked(), HOST, stack(typer="0.9.0"), LOCK) == []
    assert changes(locked(), HOST, stack(typer="0.9.0", pip="26.0"), LOCK) == []
    assert changes(locked(), HOST, stack(), LOCK) == [Change("typer", "0.9.0", "")]
    assert changes(locked(), HOST, stack(typer="0.10.0"), LOCK) == [Change("typer", "0.9.0", "0.10.0")]
    assert changes(locked(), HOST, stack(typer="0.9.0", mamba="1.0"), LOCK) == [Change("mamba", "", "1.0")]
    # The record names torch and fastai already: each is told once.
    assert changes(locked(), HOST, stack(typer="0.9.0", fastai="2.8.11"), LOCK) == [
        Change("fastai", "2.8.12", "2.8.11")
    ]


def test_another_lock_is_told_and_its_packages_are_not_taken_for_those_that_were_trained() -> None:
    (change,) = changes(locked(), HOST, stack(mamba="1.0"), LOCK + "\n")
    assert (change.what, change.was) == ("lock", f"sha256:{digest(LOCK)[:12]}")
    assert change.now == f"sha256:{digest(LOCK + chr(10))[:12]}"


def test_a_lock_that_cannot_be_read() -> None:
    with pytest.raises(BadInput, match=r"requirements\.txt:1"):
        changes(replace(record_of(), lock_digest=digest("torch>=2\n")), HOST, stack(), "torch>=2\n")


def test_many_changes_in_few_lines() -> None:
    found = [Change("numpy", "1.26", "2.0"), *(Change(name, "", "1") for name in "ab"), Change("c", "2", "")]
    assert in_words(found) == ["numpy was 1.26, is 2.0", "new: a 1, b 1", "gone: c 2"]


def test_the_lock_beside_a_record(tmp_path: Path) -> None:
    assert read_lock(tmp_path / "proof.json") is None
    (tmp_path / "requirements.txt").write_text("torch==2.15.0\n")
    assert read_lock(tmp_path / "proof.json") == "torch==2.15.0\n"
    (tmp_path / "requirements.txt").write_bytes(b"\xff")
    assert read_lock(tmp_path / "proof.json") is None


def test_a_version_that_is_none() -> None:
    odd = replace(record_of(), versions=(("torch", "main-build"), *PASSED.versions[:1]))
    assert changes(odd, HOST, stack())[0].what == "torch"


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in PROOFS.glob("*/proof.json")), ids=lambda path: path.name
)
def test_the_shipped_proofs_compare(folder: Path) -> None:
    record = read_record(folder / "proof.json")
    pins = [Pin(name, Version(version)) for name, version in record.versions]
    assert changes(record, record.host, Stack(pins)) == []
    lock = read_lock(folder / "proof.json")
    assert lock is not None
    assert {change.now for change in changes(record, record.host, Stack(pins), lock)} == {""}
    assert {change.now for change in changes(record, record.host, Stack())} == {""}
