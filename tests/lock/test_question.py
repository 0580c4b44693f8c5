from __future__ import annotations

import tomllib

import pytest

from compatmatrix.errors import UsageError
from compatmatrix.lock.question import ask, target
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Host, Libc

from .conftest import make_decision, make_host


@pytest.mark.parametrize(
    ("platform", "libc", "expected"),
    [
        ("linux-x86_64", Libc("glibc", 2, 12), "x86_64-manylinux_2_17"),
        ("linux-x86_64", Libc("glibc", 2, 17), "x86_64-manylinux_2_17"),
        ("linux-x86_64", Libc("glibc", 2, 27), "x86_64-manylinux_2_17"),
        ("linux-x86_64", Libc("glibc", 2, 28), "x86_64-manylinux_2_28"),
        ("linux-x86_64", Libc("glibc", 2, 30), "x86_64-manylinux_2_28"),
        ("linux-x86_64", Libc("glibc", 2, 31), "x86_64-manylinux_2_31"),
        ("linux-x86_64", Libc("glibc", 2, 99), "x86_64-manylinux_2_40"),
        ("linux-x86_64", None, "x86_64-manylinux_2_28"),
        ("linux-aarch64", Libc("glibc", 2, 35), "aarch64-manylinux_2_35"),
        ("linux-x86_64", Libc("musl", 1, 2), "x86_64-unknown-linux-musl"),
        ("windows-amd64", None, "x86_64-pc-windows-msvc"),
        ("macos-arm64", Libc("macos", 14, 2), "aarch64-apple-darwin"),
        ("macos-x86_64", None, "x86_64-apple-darwin"),
    ],
)
def test_target(platform: str, libc: Libc | None, expected: str) -> None:
    assert target(make_host(platform=platform, libc=libc)) == expected


def test_platform_without_wheels_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="plan9-mips"):
        target(make_host(platform="plan9-mips"))


def test_the_torch_family_is_bound_to_its_index_and_nothing_else() -> None:
    decision = make_decision("torchaudio", index_url="https://index.example/cu126")
    data = tomllib.loads(ask(decision).project)
    assert data["project"]["dependencies"] == list(decision.requirements)
    assert data["tool"]["uv"]["constraint-dependencies"] == ["numpy<2"]
    assert data["tool"]["uv"]["index"] == [{"name": "pytorch", "url": "https://index.example/cu126", "explicit": True}]
    assert data["tool"]["uv"]["sources"].keys() == {"torch", "torchvision", "torchaudio"}


def test_no_index_no_binding() -> None:
    assert "index" not in ask(make_decision(pins=("torch==9.9.9",))).project


def test_hostile_requirements_cannot_break_out_of_the_file() -> None:
    evil = 'numpy ; sys_platform == "linux"'
    assert tomllib.loads(ask(make_decision(evil)).project)["project"]["dependencies"][-1] == evil


def test_all_bad_requirements_at_once() -> None:
    decision = make_decision("not a requirement", "also==", "x @ https://host.example/x.whl")
    with pytest.raises(UsageError) as caught:
        ask(decision)
    assert len(caught.value.problems) == 3


def test_python_must_be_known() -> None:
    host = make_host()
    unknown = Host(Fact.unknown("it died"), host.platform, host.libc, host.driver, host.gpus)
    with pytest.raises(UsageError, match="it died"):
        ask(make_decision(host=unknown))


def test_macos_target_follows_the_hosts_version() -> None:
    question = ask(make_decision(host=make_host(platform="macos-arm64", libc=Libc("macos", 14, 2))))
    assert question.env == (("MACOSX_DEPLOYMENT_TARGET", "14.2"),)


def test_sources_are_named_one_by_one() -> None:
    options = ask(make_decision(), from_source=["b", "a"]).options
    assert options[-3:] == ("--only-binary=:all:", "--no-binary=a", "--no-binary=b")
