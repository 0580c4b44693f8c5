"""`matrix refresh` from end to end: a loopback index, real files, and the copy that other commands then take."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cases import SMALL
from serve_layers import LayeredIndex, serve_layers

from compatmatrix.matrix.load import compiled_path
from compatmatrix.probe.own_matrix import own_matrix, shipped_matrix

from .conftest import Ask

LINUX = "manylinux_2_28_x86_64"
TAG = f"cp311-cp311-{LINUX}"
NEW = "77.1.0"
PACKAGE = Path(__file__).resolve().parents[2]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "matrix.toml"
    path.write_text(SMALL)
    return path


@pytest.fixture
def index() -> Iterator[LayeredIndex]:
    """Both indexes with one torch that is newer than everything, for several platforms."""
    with serve_layers() as made:
        cuda = ["cuda-toolkit==12.8.1", "nvidia-cudnn-cu12==9.10.2.21"]
        made.add("simple", f"torch-{NEW}-{TAG}.whl", cuda)
        made.add("simple", f"torchvision-0.77.1-{TAG}.whl", [f"torch=={NEW}"])
        made.add("simple", f"torchaudio-{NEW}-{TAG}.whl", [f"torch=={NEW}"])
        made.add("simple", "fastai-2.77.0-py3-none-any.whl", ["torch<99"], python=">=3.10")
        for platform in (LINUX, "win_amd64", "manylinux_2_28_aarch64"):
            for build in ("cu128", "cpu"):
                made.add(f"whl/{build}", f"torch-{NEW}+{build}-cp311-cp311-{platform}.whl")
        yield made


def where(index: LayeredIndex) -> list[str]:
    return ["--index-url", index.url("simple"), "--torch-index-url", index.url("whl")]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's copy would lie: there is none yet."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    return own_matrix()


def newest_build(ask: Ask, *argv: str) -> tuple[str, str]:
    host = ["--platform", "linux-x86_64", "--python-version", "3.11", "--glibc", "2.35"]
    gpu = ["--gpu", "A100", "--driver", "580.65.06", "--prefer", "newest"]
    answer = ask("lock", "--core", "--json", *host, *gpu, *argv)
    return answer.json["stack"]["torch"], answer.err


def test_a_file_is_edited_in_place(ask: Ask, small: Path, index: LayeredIndex) -> None:
    shown = ask("matrix", "refresh", small, "--dry-run", *where(index))
    assert small.read_text() == SMALL
    assert "+[[torch]]" in shown.out
    assert "11 new rows, 0 changed rows\n" in shown.out
    answer = ask("matrix", "refresh", small, *where(index))
    assert answer.status == 0
    tables = tomllib.loads(small.read_text())
    builds = [(row["build"], row["platform"], row["index"]) for row in tables["build"] if row["torch"] == NEW]
    assert builds == [
        ("cu128", "linux-x86_64", "pypi"),
        ("cpu", "linux-x86_64", "pytorch"),
        ("cu128", "linux-x86_64", "pytorch"),
        ("cpu", "linux-aarch64", "pytorch"),
        ("cu128", "linux-aarch64", "pytorch"),
        ("cpu", "windows-amd64", "pytorch"),
        ("cu128", "windows-amd64", "pytorch"),
    ]
    assert ask("matrix", "verify", small).status == 0
    again = ask("matrix", "refresh", small, "--json", *where(index)).json
    assert (again["added"], again["changed"], again["written"]) == ([], [], None)


def test_a_torch_that_is_newer_than_the_tool_is_one_command_away(ask: Ask, own: Path, index: LayeredIndex) -> None:
    before = newest_build(ask)[0]
    answer = ask("matrix", "refresh", *where(index))
    assert (answer.status, own.exists(), compiled_path(own).exists()) == (0, True, True)
    assert f"written to {own}" in answer.out
    assert newest_build(ask) == (NEW, newest_build(ask)[1])
    assert f"torch {NEW}: torchvision 0.77.1" in ask("matrix", "show", "torch", NEW).out
    # A matrix that is named comes first.
    assert newest_build(ask, "--matrix", str(shipped_matrix()))[0] == before
    # All of the shipped file is still in it.
    assert shipped_matrix().read_text().splitlines()[0] in own.read_text()
    assert ask("matrix", "refresh", "--json", *where(index)).json["file"] == str(own)
    assert own.read_text().count("# Refreshed by compatmatrix") == 1


def test_a_copy_of_another_release_never_shadows_the_shipped_matrix(ask: Ask, own: Path, index: LayeredIndex) -> None:
    assert ask("matrix", "refresh", *where(index)).status == 0
    first, _, rest = own.read_text().partition("\n")
    own.write_text(first.replace("matrix of ", "matrix of 1") + "\n" + rest)
    torch, err = newest_build(ask)
    assert torch != NEW
    assert err.startswith(f"note: {own} was made from another release's matrix and is not used")
    # One more refresh, and it counts again; what somebody wrote into it is not lost.
    own.write_text(own.read_text() + '\n[[gpu]]\nname = "Mine"\ncapability = "8.0"\nkind = "geforce"\n')
    assert ask("matrix", "refresh", "--json", *where(index)).json["file"] == str(shipped_matrix())
    assert newest_build(ask)[0] == NEW
    assert 'name = "Mine"' in own.with_suffix(".old.toml").read_text()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"schema = 1\n", b"# Refreshed by somebody else\n"])
def test_what_is_no_copy_of_ours_is_not_used(ask: Ask, own: Path, content: bytes) -> None:
    own.parent.mkdir(parents=True)
    own.write_bytes(content)
    assert ask("matrix", "show").status == 0
    own.unlink()
    own.mkdir()
    assert ask("matrix", "show").status == 0


def test_where_nothing_can_be_written_that_is_said(ask: Ask, tmp_path: Path, own: Path, index: LayeredIndex) -> None:
    (tmp_path / "share").write_text("a file where a folder should be")
    answer = ask("matrix", "refresh", *where(index))
    assert answer.status == 3
    assert "cannot make the folder" in answer.err
    assert "--matrix" in answer.err


def test_an_index_in_trouble_leaves_the_file_as_it_was(ask: Ask, small: Path) -> None:
    with serve_layers() as half:
        half.add("simple", f"torch-2.9.0-{TAG}.whl")
        answer = ask("matrix", "refresh", small, "--index", "pypi", "--index-url", half.url("simple"))
    assert (answer.status, answer.out) == (3, "")
    assert "error[index-unavailable]" in answer.err
    assert small.read_text() == SMALL


def test_a_broken_matrix_is_refused_before_anything_is_asked(ask: Ask, small: Path) -> None:
    small.write_text(SMALL.replace('kind = "datacenter"', ""))
    answer = ask("matrix", "refresh", small, "--index-url", "http://127.0.0.1:9/simple")
    assert answer.status == 3
    assert "kind" in answer.err


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_interrupt_leaves_the_file_as_it_was(small: Path) -> None:
    """An index that takes the question and never answers; the command ends at once all the same."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        argv = ["matrix", "refresh", str(small), "--index-url", f"http://127.0.0.1:{listener.getsockname()[1]}/simple"]
        environ = {**os.environ, "PYTHONPATH": str(PACKAGE)}
        command = [sys.executable, "-m", "compatmatrix", *argv]
        child = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        taken, _ = listener.accept()
        with taken:
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=5)
    assert (child.returncode, out, err.strip()) == (130, b"", b"interrupted")
    assert small.read_text() == SMALL
    assert [path.name for path in small.parent.iterdir()] == [small.name]


@pytest.mark.network
@pytest.mark.slow
def test_the_shipped_matrix_agrees_with_the_index(ask: Ask) -> None:
    data = ask("matrix", "verify", "--online", "--json", "--index-url", os.environ.get("TEST_INDEX_URL", "")).json
    assert data["differences"] == []


@pytest.mark.network
@pytest.mark.slow
def test_removed_rows_are_learned_back_from_the_real_index(ask: Ask, tmp_path: Path) -> None:
    tables = tomllib.loads(shipped_matrix().read_text(encoding="utf-8"))
    last = tables["fastai"][-1]["version"]
    text = shipped_matrix().read_text(encoding="utf-8")
    begin = text.rindex("[[fastai]]")
    end = text.index("\n\n", begin) + 1
    path = tmp_path / "matrix.toml"
    path.write_text(text[:begin] + text[end:], encoding="utf-8")
    argv = ["--index", "pypi", "--index-url", os.environ.get("TEST_INDEX_URL", "")]
    (row,) = ask("matrix", "refresh", path, "--json", *argv).json["added"]
    assert (row["table"], row["version"]) == ("fastai", last)
    assert row["requires"] == tables["fastai"][-1]["requires"]
