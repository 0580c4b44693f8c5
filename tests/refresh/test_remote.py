from __future__ import annotations

import json

import pytest

from compatmatrix.errors import IndexUnavailable
from compatmatrix.refresh.remote import BrokenWheel, members, metadata, platform_of, wheels

from .conftest import PADDING, LayeredIndex

NAMES = [
    "torch-2.9.0+cu128-cp313-cp313t-manylinux_2_28_x86_64.whl",
    "torch-2.9.0+cu128-1-cp311-cp311-win_amd64.whl",
    "torch-2.9.0rc1+cu128-cp311-cp311-win_amd64.whl",
]


@pytest.mark.parametrize("form", ["html", "json"])
def test_both_forms_of_a_project_page_say_the_same(index: LayeredIndex, form: str) -> None:
    index.form = form
    for name in NAMES:
        index.add("whl/cu128", name, ["numpy"])
    index.files["/whl/cu128/torch/torch-2.9.0.tar.gz"] = b""
    index.yanked.add(f"/whl/cu128/torch/{NAMES[1]}")
    first, second = wheels(index.url("whl/cu128"), "torch")
    assert (str(first.version), first.python, first.platform) == ("2.9.0+cu128", "3.13t", "linux-x86_64")
    assert (second.python, second.platform, second.tag) == ("3.11", "windows-amd64", "win_amd64")
    assert (first.yanked, second.yanked) == (False, True)
    assert [str(requirement) for requirement in metadata(first).requires] == ["numpy"]


@pytest.mark.parametrize("form", ["html", "json"])
def test_the_file_beside_the_wheel_is_enough(index: LayeredIndex, form: str) -> None:
    index.form, index.side_files = form, True
    path = index.add("simple", "torch-2.9.0-cp311-cp311-win_amd64.whl", ["filelock"], python=">=3.10")
    (wheel,) = wheels(index.url("simple"), "torch")
    found = metadata(wheel)
    assert (found.python, [r.name for r in found.requires]) == (">=3.10", ["filelock"])
    assert path not in [asked for asked, _ in index.sent]


def test_a_wheel_is_read_in_parts(index: LayeredIndex) -> None:
    path = index.add("simple", "torch-2.9.0-cp311-cp311-win_amd64.whl", members={"torch/version.py": b"cuda = None\n"})
    (wheel,) = wheels(index.url("simple"), "torch")
    assert members(wheel, r"torch/version\.py") == [b"cuda = None\n"]
    assert 0 < sum(size for asked, size in index.sent if asked == path) < PADDING / 4


def test_a_server_without_ranges_is_refused_rather_than_read_whole(index: LayeredIndex) -> None:
    index.ranges = False
    index.add("simple", "torch-2.9.0-cp311-cp311-win_amd64.whl")
    (wheel,) = wheels(index.url("simple"), "torch")
    with pytest.raises(IndexUnavailable):
        metadata(wheel)


def test_what_is_missing_is_named(index: LayeredIndex) -> None:
    index.add("simple", "torch-2.9.0-cp311-cp311-win_amd64.whl")
    (wheel,) = wheels(index.url("simple"), "torch")
    with pytest.raises(BrokenWheel, match="no member torch/version"):
        members(wheel, r"torch/version\.py")
    with pytest.raises(IndexUnavailable, match="has no torchvision"):
        wheels(index.url("simple"), "torchvision")


@pytest.mark.parametrize(
    ("tag", "platform"),
    [
        ("manylinux1_x86_64", "linux-x86_64"),
        ("manylinux_2_28_aarch64", "linux-aarch64"),
        ("manylinux2014_x86_64.manylinux_2_17_x86_64", "linux-x86_64"),
        ("linux_x86_64", "linux-x86_64"),
        ("win_amd64", "windows-amd64"),
        ("macosx_11_0_arm64", "macos-arm64"),
        ("macosx_10_9_x86_64", "macos-x86_64"),
        ("any", ""),
        ("manylinux1_i686", ""),
    ],
)
def test_platform_of(tag: str, platform: str) -> None:
    assert platform_of(tag) == platform


def test_rows_of_a_page_that_make_no_sense_are_passed_over(
    index: LayeredIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = "torch-2.9.0-cp311-cp311-win_amd64.whl"
    rows = [
        {"filename": good},
        {"url": "x"},
        "text",
        None,
        7,
        {"filename": 1, "url": 2},
        {"filename": good, "url": good},
    ]
    page = "application/vnd.pypi.simple.v1+json", json.dumps({"files": rows}).encode()
    monkeypatch.setattr(index, "page", lambda path: page)
    assert [wheel.name for wheel in wheels(index.url("simple"), "torch")] == [good]


@pytest.mark.parametrize("text", [b"{", b'{"files": 7}', b'{"meta": {}}'])
def test_a_page_that_is_no_page_is_trouble(index: LayeredIndex, monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    monkeypatch.setattr(index, "page", lambda path: ("application/json", text))
    with pytest.raises(IndexUnavailable, match="not readable"):
        wheels(index.url("simple"), "torch")
