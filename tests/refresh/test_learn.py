from __future__ import annotations

from datetime import date

import pytest
from cases import SMALL

from compatmatrix.errors import IndexUnavailable
from compatmatrix.matrix import Matrix
from compatmatrix.matrix.validate import parse_and_validate
from compatmatrix.refresh.learn import learn
from compatmatrix.refresh.sources import Sources

from .conftest import LayeredIndex
from .world import LINUX, by_key, publish_new, publish_small, small


def sources(index: LayeredIndex, *, measure: bool = False, everything: bool = False, optional: bool = False) -> Sources:
    here = index.url("simple"), index.url("whl"), ("cu126", "cpu")
    return Sources(*here, measure, everything, optional, date(2030, 1, 31))


@pytest.mark.parametrize("form", ["html", "json"])
@pytest.mark.parametrize("side_files", [False, True])
def test_nothing_new(index: LayeredIndex, form: str, side_files: bool) -> None:
    index.form, index.side_files = form, side_files
    publish_small(index)
    assert learn(small(), sources(index)) == ((), (), ())
    assert learn(small(), sources(index, everything=True)) == ((), (), ())


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


def test_without_the_pytorch_index_the_rest_is_learned_and_said(index: LayeredIndex) -> None:
    publish_small(index)
    publish_new(index)
    index.trouble = 418
    index.broken.add("/whl/cu126/torch/")
    learned = learn(small(), sources(index, optional=True))
    assert {row["index"] for table, row in learned.rows if table == "build"} == {"pypi"}
    (note,) = learned.notes
    assert "only the builds of PyPI" in note
    index.broken = {"/simple/torch/"}
    with pytest.raises(IndexUnavailable):
        learn(small(), sources(index, optional=True))


def test_an_index_without_a_build_is_no_trouble(index: LayeredIndex) -> None:
    publish_small(index)
    asked = sources(index)._replace(builds=("cu999",))
    assert learn(small(), asked).rows == ()


def test_the_page_of_all_builds_names_those_that_nobody_asked_for(index: LayeredIndex) -> None:
    publish_small(index)
    for tree in ("whl", "whl/cu999"):
        index.add(tree, f"torch-2.9.0+cu999-cp311-cp311-{LINUX}.whl")
    index.add("whl", f"torch-2.9.0+rocm7.0-cp311-cp311-{LINUX}.whl")
    learned = learn(small(), sources(index))
    assert "CUDA 99" in learned.notes[0]
    index.add("whl", f"torch-2.9.0+cu128-cp311-cp311-{LINUX}.whl")
    index.add("whl/cu128", f"torch-2.9.0+cu128-cp311-cp311-{LINUX}.whl", ["nvidia-nccl-cu12==2.27.5", "triton==3.5.0"])
    rows = by_key(learn(small(), sources(index)).rows)
    assert set(rows) == {("torch", "2.9.0"), ("build", "2.9.0", "cu128", "linux-x86_64", "pytorch")}
    build = rows["build", "2.9.0", "cu128", "linux-x86_64", "pytorch"]
    assert (build["nccl"], build["triton"]) == ("2.27.5", "3.5.0")


def test_every_platform_of_the_pytorch_index(index: LayeredIndex) -> None:
    publish_small(index)
    for tag in (LINUX, "manylinux_2_28_aarch64", "win_amd64"):
        index.add("whl/cu126", f"torch-2.9.0+cu126-cp311-cp311-{tag}.whl")
    index.add("whl/cpu", "torch-2.9.0-cp311-none-macosx_11_0_arm64.whl")
    rows = [row for table, row in learn(small(), sources(index)).rows if table == "build"]
    # In the file's order of platforms; what has no build in its version belongs to the package index.
    assert [row["platform"] for row in rows] == ["linux-x86_64", "linux-aarch64", "windows-amd64"]
    assert [row.get("archs") for row in rows] == [["sm_80"], None, None]
    assert "not read" in rows[1]["source"]


def test_new_pythons_and_tags_of_a_known_build_need_no_metadata(index: LayeredIndex) -> None:
    publish_small(index)
    index.add("simple", f"torch-2.8.0-cp312-cp312-{LINUX}.whl")
    index.yanked |= {path for path in index.files if "torchaudio" in path or "torch-2.7.0" in path}
    learned = learn(small(), sources(index))
    assert learned.rows == ()
    found = {(change.table, change.name): change.cells for change in learned.changes}
    build = found["build", "2.8.0, cu128, linux-x86_64, pypi"]
    assert (build["pythons"], build["checked"]) == (["3.10", "3.11", "3.12"], "2030-01-31")
    assert "tags of all its wheels" in build["source"]
    assert found["torchaudio", "2.8.0"] == {"yanked": "yanked on the index", "checked": "2030-01-31"}
    assert found["torch", "2.7.0"]["yanked"]
    assert len(found) == 3
    assert not [path for path, _ in index.sent if path.endswith((".whl", ".metadata"))]


def test_everything_reads_the_metadata_of_known_rows_too(index: LayeredIndex) -> None:
    publish_small(index)
    index.add("simple", "fastai-2.8.4-py3-none-any.whl", ["torch<3,>=1.10"], python=">=3.10")
    assert learn(small(), sources(index)).changes == ()
    (change,) = learn(small(), sources(index, everything=True)).changes
    assert change.cells["requires"] == {"torch": ">=1.10,<3"}
    assert "METADATA" in change.cells["source"]


def test_nothing_is_blanked_and_no_list_gets_shorter(index: LayeredIndex) -> None:
    publish_small(index)
    del index.files[f"/simple/torch/torch-2.8.0-cp310-cp310-{LINUX}.whl"]
    index.add("simple", "fastai-2.8.4-py3-none-any.whl", [], python="")
    matrix = by_method("metadata")
    learned = learn(matrix, sources(index, everything=True))
    assert learned.changes == ()
    assert len(learned.notes) == 3
    assert all("kept" in note for note in learned.notes)


def test_measuring_replaces_what_was_inferred(index: LayeredIndex) -> None:
    publish_small(index)
    found = {change.name: change.cells for change in learn(small(), sources(index, measure=True)).changes}
    assert found["2.8.0, cu128, linux-x86_64, pypi"]["archs"] == ["sm_80", "sm_90"]
    assert {cells["method"] for cells in found.values()} == {"measured"}
    assert learn(by_method("measured"), sources(index, measure=True)).changes == ()


def test_partners_by_the_pytorch_index_alone(index: LayeredIndex) -> None:
    index.add("whl/cpu", f"torch-2.9.0+cpu-cp311-cp311-{LINUX}.whl")
    index.add("whl/cpu", f"torchvision-0.24.0+cpu-cp311-cp311-{LINUX}.whl", ["torch==2.9.0+cpu"])
    index.add("whl/cpu", f"torchaudio-2.8.0+cpu-cp311-cp311-{LINUX}.whl", ["torch==2.8.0+cpu"])
    rows = by_key(learn(small(), sources(index)._replace(pypi="")).rows)
    assert rows["torchvision", "0.24.0"]["torch"] == "==2.9.0"
    assert set(rows) == {
        ("torch", "2.9.0"),
        ("build", "2.9.0", "cpu", "linux-x86_64", "pytorch"),
        ("torchvision", "0.24.0"),
    }


def test_loose_partners_are_paired_by_their_order(index: LayeredIndex) -> None:
    publish_small(index)
    for release in ("2.9.0", "2.9.1"):
        index.add("simple", f"torch-{release}-cp311-cp311-{LINUX}.whl", ["cuda-toolkit==12.8.1"])
    for release in ("0.24.0", "0.24.1"):
        index.add("simple", f"torchvision-{release}-cp311-cp311-{LINUX}.whl", ["torch>=2.9"])
    rows = by_key(learn(small(), sources(index)).rows)
    assert [rows["torchvision", release]["pair"] for release in ("0.24.0", "0.24.1")] == ["2.9.0", "2.9.1"]


def test_a_yanked_release_is_learned_as_yanked(index: LayeredIndex) -> None:
    publish_small(index)
    index.yanked.add(index.add("simple", f"torch-2.9.0-cp311-cp311-{LINUX}.whl", ["cuda-toolkit==12.8.1"]))
    assert by_key(learn(small(), sources(index)).rows)["torch", "2.9.0"]["yanked"]


def by_method(method: str) -> Matrix:
    """The small matrix, known in another way."""
    text = SMALL.replace('method = "inferred"', f'method = "{method}"')
    return Matrix(parse_and_validate(text.encode(), "small"), "")
