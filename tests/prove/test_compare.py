"""What has changed since a proof: everything that differs, and nothing that is merely not known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from compatmatrix.model.cuda import Capability
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Gpu, Libc, Python
from compatmatrix.model.stack import Pin, Stack
from compatmatrix.prove.compare import Change, changes
from compatmatrix.prove.record import ProofRecord, read_record

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
    assert {change.now for change in changes(record, record.host, Stack())} == {""}
