from __future__ import annotations

import os

import pytest

from compatmatrix.errors import IndexUnavailable
from compatmatrix.refresh.base import base_index
from compatmatrix.refresh.compare import Difference, differences

from .conftest import LayeredIndex
from .world import LINUX, publish_new, publish_small, small


@pytest.mark.parametrize("form", ["html", "json"])
def test_an_index_that_agrees(index: LayeredIndex, form: str) -> None:
    index.form = form
    publish_small(index)
    assert differences(small(), index.url("simple")) == []


def test_every_cell_that_differs_with_both_values(index: LayeredIndex) -> None:
    publish_small(index)
    index.add("simple", f"torch-2.8.0-cp312-cp312-{LINUX}.whl")
    index.add("simple", "fastai-2.8.4-py3-none-any.whl", ["torch<3,>=1.10"], python=">=3.9")
    index.yanked.add(f"/simple/torchaudio/torchaudio-2.8.0-py3-none-{LINUX}.whl")
    name = "2.8.0, cu128, linux-x86_64, pypi"
    assert differences(small(), index.url("simple")) == [
        Difference("build", name, "pythons", "['3.10', '3.11']", "['3.10', '3.11', '3.12']"),
        Difference("torchaudio", "2.8.0", "yanked", "none", "True"),
        Difference("fastai", "2.8.4", "python", ">=3.10", ">=3.9"),
        Difference("fastai", "2.8.4", "requires", "{'torch': '>=1.10,<2.9'}", "{'torch': '>=1.10,<3'}"),
    ]


def test_rows_that_one_side_lacks(index: LayeredIndex) -> None:
    publish_small(index)
    publish_new(index)
    del index.files[f"/simple/torchvision/torchvision-0.23.0-py3-none-{LINUX}.whl"]
    found = {(row.table, row.row): (row.here, row.there) for row in differences(small(), index.url("simple"))}
    assert found["torchvision", "0.23.0"] == ("there", "none")
    assert found["build", "2.9.0, cu128, linux-x86_64, pypi"][0] == "none"
    assert found["build", "2.9.0, cpu, windows-amd64, pypi"][0] == "none"
    assert found["fastai", "2.8.5"] == ("none", "fastai-2.8.5-py3-none-any.whl")


def test_a_wheel_that_no_installer_takes_is_no_release(index: LayeredIndex) -> None:
    publish_small(index)
    path = index.add("simple", "torch-2.8.0-cp311-cp311-win_amd64.whl")
    index.files[path] = index.files[path].replace(b".dist-info", b".dist.info")
    assert differences(small(), index.url("simple")) == []


def test_an_index_in_trouble_is_no_difference(index: LayeredIndex) -> None:
    publish_small(index)
    index.broken.add("/simple/torchvision/")
    with pytest.raises(IndexUnavailable):
        differences(small(), index.url("simple"))


def test_the_named_index_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    assert base_index("https://named.example/simple") == "https://named.example/simple"
    assert base_index() == "https://mirror.example/simple"
    # Locks are resolved by uv, so its setting counts before pip's there, and here.
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.example/simple")
    assert base_index() == "https://uv.example/simple"


def test_without_any_setting_uv_names_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    assert base_index().startswith("https://")
    assert base_index().endswith("/simple")
