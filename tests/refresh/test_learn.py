from __future__ import annotations

from datetime import date

import pytest

from compatmatrix.errors import IndexUnavailable
from compatmatrix.refresh.learn import Sources, learn

from .conftest import LayeredIndex
from .world import LINUX, by_key, publish_new, publish_small, small


def sources(index: LayeredIndex, *, measure: bool = False) -> Sources:
    return Sources(index.url("simple"), index.url("whl"), ("cu126", "cpu"), measure, date(2030, 1, 31))


@pytest.mark.parametrize("form", ["html", "json"])
@pytest.mark.parametrize("side_files", [False, True])
def test_nothing_new(index: LayeredIndex, form: str, side_files: bool) -> None:
    index.form, index.side_files = form, side_files
    publish_small(index)
    assert learn(small(), sources(index)) == ((), ())


@pytest.mark.parametrize("form", ["html", "json"])
@pytest.mark.parametrize("side_files", [False, True])
def test_a_new_release_with_all_its_builds(index: LayeredIndex, form: str, side_files: bool) -> None:
    index.form, index.side_files = form, side_files
    publish_small(index)
    publish_new(index)
    learned = learn(small(), sources(index))
    rows = by_key(learned.rows)
    assert learned.notes == ()
    assert set(rows) == {
        ("torch", "2.9.0"),
        ("build", "2.9.0", "cu128", "linux-x86_64", "pypi"),
        ("build", "2.9.0", "cpu", "windows-amd64", "pypi"),
        ("build", "2.9.0", "cpu", "macos-arm64", "pypi"),
        ("build", "2.9.0", "cu126", "linux-x86_64", "pytorch"),
        ("build", "2.9.0", "cpu", "linux-x86_64", "pytorch"),
        ("torchvision", "0.24.0"),
        ("torchaudio", "2.9.0"),
        ("fastai", "2.8.5"),
    }
    own = rows["build", "2.9.0", "cu128", "linux-x86_64", "pypi"]
    assert (own["pythons"], own["wheel"], own["cudnn"]) == (["3.11", "3.13t"], LINUX, "9.10.2.21")
    assert (own["archs"], own["method"], own["checked"]) == (["sm_80"], "inferred", "2030-01-31")
    assert "as in 2.8.0, not read" in own["source"]
    assert "archs" not in rows["build", "2.9.0", "cpu", "windows-amd64", "pypi"]
    assert rows["torchvision", "0.24.0"]["method"] == "metadata"
    assert rows["torchaudio", "2.9.0"].items() >= {"torch": ">=2.9.0", "pair": "2.9.0", "method": "inferred"}.items()
    assert rows["fastai", "2.8.5"]["requires"] == {"torch": ">=1.10,<2.10"}


def test_measured_architectures_and_numpy_come_from_the_library(index: LayeredIndex) -> None:
    publish_small(index)
    publish_new(index)
    rows = by_key(learn(small(), sources(index, measure=True)).rows)
    own = rows["build", "2.9.0", "cu128", "linux-x86_64", "pypi"]
    assert (own["archs"], own["method"]) == (["sm_80", "sm_90"], "measured")
    other = rows["build", "2.9.0", "cu126", "linux-x86_64", "pytorch"]
    assert (other["archs"], other["method"]) == (["sm_80", "sm_90", "compute_90"], "measured")
    assert rows["torch", "2.9.0"]["method"] == "measured"


def test_a_new_cuda_gets_a_row_and_a_new_major_a_note(index: LayeredIndex) -> None:
    publish_small(index)
    index.add("simple", f"torch-2.9.0-cp311-cp311-{LINUX}.whl", ["cuda-toolkit==12.9.1"])
    index.add("simple", f"torch-2.10.0-cp311-cp311-{LINUX}.whl", ["cuda-toolkit==14.0.0"])
    learned = learn(small(), sources(index))
    rows = by_key(learned.rows)
    assert {("cuda", "12.9"), ("torch", "2.9.0"), ("build", "2.9.0", "cu129", "linux-x86_64", "pypi")} == set(rows)
    (note,) = learned.notes
    assert "CUDA 14" in note
    assert "[[cuda-family]]" in note


def test_half_an_answer_is_none(index: LayeredIndex) -> None:
    publish_small(index)
    publish_new(index)
    index.broken.add("/whl/cu126/torch/")
    with pytest.raises(IndexUnavailable):
        learn(small(), sources(index))


def test_an_index_without_a_build_is_no_trouble(index: LayeredIndex) -> None:
    publish_small(index)
    asked = sources(index)._replace(builds=("cu999",))
    assert learn(small(), asked).rows == ()
