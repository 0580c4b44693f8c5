from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from cases import host
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from compatmatrix.errors import BadInput
from compatmatrix.model.cuda import Capability, Cuda
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Gpu, Host, Libc, Python, host_from_dict

WORDS = st.text(min_size=1, max_size=20)


def facts(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Fact[Any]]:
    return st.builds(Fact.of, values, WORDS) | st.builds(Fact.unknown, WORDS, st.just("") | WORDS)


PYTHONS = st.builds(
    lambda major, minor, patch, pre, threads: Python(Version(f"{major}.{minor}{patch}{pre}"), threads),
    st.integers(2, 4),
    st.integers(0, 30),
    st.sampled_from(["", ".0", ".7", ".18"]),
    st.sampled_from(["", "a1", "b4", "rc2"]),
    st.booleans(),
)
GPUS = st.builds(
    Gpu,
    WORDS,
    st.none() | st.builds(Capability, st.integers(1, 20), st.integers(0, 9)),
    st.none() | st.integers(0, 300_000),
)
HOSTS = st.builds(
    Host,
    python=facts(PYTHONS),
    platform=facts(st.sampled_from(["linux-x86_64", "linux-aarch64", "windows-amd64", "macos-arm64", "linux-ppc64le"])),
    libc=facts(st.builds(Libc, st.sampled_from(["glibc", "musl", "macos"]), st.integers(0, 30), st.integers(0, 99))),
    driver=facts(st.builds(lambda a, b, c: DriverVersion(f"{a}.{b}.{c:02d}"), *[st.integers(1, 999)] * 3)),
    gpus=facts(st.lists(GPUS, max_size=3).map(tuple)),
    driver_cuda=facts(st.builds(Cuda, st.integers(1, 20), st.integers(0, 12))),
    notes=st.lists(WORDS, max_size=2).map(tuple),
)


@given(PYTHONS)
def test_python_round_trip(python: Python) -> None:
    assert Python.parse(str(python)) == python


@pytest.mark.parametrize(
    ("text", "minor"), [("3.11", "3.11"), ("3.11.7", "3.11"), ("3.14t", "3.14t"), ("3.15.0b1", "3.15")]
)
def test_minor_decides_the_wheel(text: str, minor: str) -> None:
    assert Python.parse(text).minor == minor


@pytest.mark.parametrize("text", ["", "3", "three", "3.11.x", "cp311", "3.11 t", "3.11.7.1"])
def test_not_a_python(text: str) -> None:
    with pytest.raises(ValueError, match="not a Python version"):
        Python.parse(text)


@given(HOSTS)
def test_host_file_round_trip(found: Host) -> None:
    assert host_from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_inspect_output_is_a_host_file() -> None:
    found = host("8.6", "9.0")
    assert host_from_dict({"schema": 1, "command": "inspect", "host": found.to_dict(), "stack": {}}) == found


def test_written_by_hand() -> None:
    found = host_from_dict(
        {"schema": 1, "python": "3.11", "platform": "linux-x86_64", "driver": {"value": "535.104.05"}, "gpus": []}
    )
    assert found.python.value == Python.parse("3.11")
    assert found.python.origin == "host file"
    assert str(found.driver.value) == "535.104.05"
    assert found.has_gpu is False
    assert found.libc.reason == "not in the host file"


def test_every_fault_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        host_from_dict(
            {
                "schema": 7,
                "python": "eleven",
                "platform": "Linux!",
                "libc": "glibc",
                "driver": "five",
                "driver_cuda": "12",
                "gpus": [{"capability": "8.6"}],
                "notes": "WSL",
            },
            where="laptop.json",
        )
    faults = caught.value.problems
    assert all(fault.startswith("laptop.json: ") for fault in faults)
    for name in ("schema", "python", "platform", "libc", "driver:", "driver_cuda", "gpus", "notes"):
        assert any(name in fault for fault in faults), name
    assert len(faults) == 8
    assert "inspect --json" in caught.value.hint


@pytest.mark.parametrize("data", [None, [], "text", 3, True], ids=repr)
def test_not_an_object(data: object) -> None:
    with pytest.raises(BadInput, match="expected a JSON object"):
        host_from_dict(data)


@pytest.mark.parametrize(
    "gpus",
    [3, "RTX 3090", {"name": "RTX 3090"}, [3], [{}], [{"name": 3}], [{"name": "RTX 3090", "capability": "8"}]],
    ids=repr,
)
def test_bad_gpus(gpus: object) -> None:
    with pytest.raises(BadInput, match="gpus"):
        host_from_dict({"schema": 1, "gpus": {"value": gpus}})


@pytest.mark.parametrize("name", ["platform", "libc", "driver", "python", "driver_cuda"])
@pytest.mark.parametrize("value", [3.11, 12, True, [3], {"x": 1}], ids=repr)
def test_wrong_kind_of_json_value(name: str, value: object) -> None:
    with pytest.raises(BadInput, match=name):
        host_from_dict({"schema": 1, name: {"value": value}})


def test_has_gpu_is_not_known() -> None:
    assert replace(host(), gpus=Fact.unknown("nvidia-smi hangs")).has_gpu is None


@pytest.mark.parametrize("value", [None, 3])
@pytest.mark.parametrize("reason", ["", "why not"])
def test_a_fact_has_a_value_or_a_reason(value: int | None, reason: str) -> None:
    if (value is None) == bool(reason):
        Fact(value, "here", reason)
    else:
        with pytest.raises(ValueError, match="either a value or a reason"):
            Fact(value, "here", reason)
