"""Environments made for real, by uv and by pip, from a small index on the loopback interface."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from serve_index import Index, serve, wheel

from compatmatrix.errors import IndexUnavailable, ToolFailed, UsageError
from compatmatrix.process import Finished
from compatmatrix.prove.environment import _as_error, find_interpreter, make_environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="scripts as interpreters")

TINY = wheel("tiny", "1.0")
MINOR = "{}.{}".format(*sys.version_info)


@pytest.fixture
def index() -> Iterator[Index]:
    with serve() as running:
        running.add("simple", TINY)
        yield running


@pytest.fixture(autouse=True)
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No index, cache or retry but the test's own."""
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))


def lock(index: Index, digest: str = TINY.sha256) -> str:
    return f"--index-url {index.url('simple')}\ntiny==1.0 \\\n    --hash=sha256:{digest}\n"


def works(python: Path) -> bool:
    return subprocess.run([python, "-I", "-c", "import tiny; assert tiny.__version__ == '1.0'"]).returncode == 0


def test_a_lock_becomes_an_environment(index: Index, tmp_path: Path) -> None:
    told: list[str] = []
    python = make_environment(lock(index), sys.executable, tmp_path / "env", progress=told.append)
    assert python == tmp_path / "env" / "bin" / "python"
    assert works(python)
    assert told[-1] == "installing 1 packages"
    assert list((tmp_path / "scratch").iterdir()) == []


def test_the_index_may_be_given_beside_the_lock(index: Index, tmp_path: Path) -> None:
    text = f"tiny==1.0 --hash=sha256:{TINY.sha256}\n"
    assert works(make_environment(text, sys.executable, tmp_path / "one", default_index=index.url("simple")))
    options = ("--no-index", "--find-links", str(tmp_path))
    (tmp_path / TINY.name).write_bytes(TINY.data)
    assert works(make_environment(text, Path(sys.executable), tmp_path / "two", index_args=options))


def test_any_index_may_serve_any_package_since_the_hash_binds_it(index: Index, tmp_path: Path) -> None:
    index.add("whl/cu126", wheel("tiny", "0.9"))
    text = f"--extra-index-url {index.url('whl/cu126')}\n{lock(index)}"
    assert works(make_environment(text, sys.executable, tmp_path / "env"))


def test_an_old_environment_is_replaced(index: Index, tmp_path: Path) -> None:
    directory = tmp_path / "env"
    make_environment(lock(index), sys.executable, directory)
    (directory / "lib" / "old").write_text("old")
    make_environment(lock(index), sys.executable, directory)
    assert not (directory / "lib" / "old").exists()


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_is_no_environment_is_left_alone(index: Index, tmp_path: Path, kind: str) -> None:
    directory = tmp_path / "mine"
    if kind == "file":
        directory.write_text("precious")
    else:
        (tmp_path / "real").mkdir()
        (tmp_path / "real" / "thesis.txt").write_text("precious")
        directory.symlink_to(tmp_path / "real") if kind == "link" else (tmp_path / "real").rename(directory)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match="no virtual environment"):
        make_environment(lock(index), sys.executable, directory)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_wrong_hash(index: Index, tmp_path: Path) -> None:
    with pytest.raises(ToolFailed) as caught:
        make_environment(lock(index, "0" * 64), sys.executable, tmp_path / "env")
    assert caught.value.slug == "hash-mismatch"
    assert TINY.sha256 in str(caught.value)
    assert not (tmp_path / "env").exists()


def test_a_package_without_hash(index: Index, tmp_path: Path) -> None:
    with pytest.raises(ToolFailed) as caught:
        make_environment(f"--index-url {index.url('simple')}\ntiny==1.0\n", sys.executable, tmp_path / "env")
    assert caught.value.slug == "hash-mismatch"


def test_an_index_out_of_reach(tmp_path: Path) -> None:
    with serve() as gone:
        pass
    with pytest.raises(IndexUnavailable) as caught:
        make_environment(lock(gone), sys.executable, tmp_path / "env")
    assert "127.0.0.1" in str(caught.value)
    assert not (tmp_path / "env").exists()


def test_a_missing_package_is_not_called_an_index_out_of_reach(index: Index, tmp_path: Path) -> None:
    text = lock(index).replace("tiny", "absent")
    with pytest.raises(ToolFailed, match="absent"):
        make_environment(text, sys.executable, tmp_path / "env")


@pytest.mark.parametrize("python", ["3.2", "no-such-python", Path("nowhere/python")])
def test_a_missing_interpreter(tmp_path: Path, python: str | Path) -> None:
    with pytest.raises(ToolFailed, match=r"no (such )?interpreter") as caught:
        make_environment("", python, tmp_path / "env")
    assert "--python PATH" in caught.value.hint
    assert not (tmp_path / "env").exists()


def test_what_is_not_a_python(tmp_path: Path) -> None:
    fake = script(tmp_path / "python", "echo I am a teapot >&2; exit 3")
    with pytest.raises(ToolFailed, match="teapot"):
        make_environment("", fake, tmp_path / "env")
    assert not (tmp_path / "env").exists()


def test_credentials_are_not_shown(tmp_path: Path) -> None:
    with serve() as gone:
        pass
    text = lock(gone).replace("http://", "http://me:secret@")
    with pytest.raises(IndexUnavailable) as caught:
        make_environment(text, sys.executable, tmp_path / "env")
    assert "secret" not in str(caught.value)


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_version_is_found_past_a_broken_shim(tmp_path: Path) -> None:
    version = "3.99"
    script(tmp_path / "shims" / f"python{version}", "echo not here >&2; exit 127")
    right = script(tmp_path / "pyenv" / "versions" / f"{version}.10" / "bin" / "python3", "exit 0")
    script(tmp_path / "pyenv" / "versions" / f"{version}.9" / "bin" / "python3", "exit 0")
    script(tmp_path / "pyenv" / "versions" / f"{version}0.1" / "bin" / "python3", "exit 0")
    environ = {**os.environ, "PATH": str(tmp_path / "shims"), "PYENV_ROOT": str(tmp_path / "pyenv")}
    assert find_interpreter(version, environ=environ) == str(right)


def test_a_version_is_found(tmp_path: Path) -> None:
    environ = {**os.environ, "PATH": str(Path(sys.executable).resolve().parent)}
    found = find_interpreter(MINOR, environ=environ)
    said = subprocess.run(
        [found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True
    )
    assert said.stdout.strip() == MINOR


@pytest.mark.slow
@pytest.mark.parametrize("right", [True, False])
def test_a_python_that_uv_does_not_know_makes_its_own(index: Index, tmp_path: Path, right: bool) -> None:
    shy = f'case "$*" in *venv*) exec \'{sys.executable}\' "$@";; esac; echo unsupported >&2; exit 1'
    python = script(tmp_path / "python", shy)
    if right:
        assert works(make_environment(lock(index), python, tmp_path / "env"))
        return
    with pytest.raises(ToolFailed) as caught:
        make_environment(lock(index, "0" * 64), python, tmp_path / "env")
    assert caught.value.slug == "hash-mismatch"
    assert not (tmp_path / "env").exists()


@pytest.mark.parametrize(
    ("stderr", "kind", "slug"),
    [
        ("  cause: failed to write to file: No space left on device (os error 28)", ToolFailed, "disk-full"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left", ToolFailed, "disk-full"),
        ("  cause: Hash mismatch for `tiny==1.0`", ToolFailed, "hash-mismatch"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", ToolFailed, "hash-mismatch"),
        ("  cause: dns error", IndexUnavailable, "index-unavailable"),
        ("pip._vendor.urllib3.exceptions.NewConnectionError: refused", IndexUnavailable, "index-unavailable"),
        ("something new", ToolFailed, "tool-failed"),
    ],
)
def test_what_a_tool_says_and_what_we_call_it(stderr: str, kind: type[Exception], slug: str) -> None:
    error = _as_error(Finished(1, "", stderr, False, "", 1.0), "uv pip install")
    assert (type(error), error.slug) == (kind, slug)
    assert stderr.strip() in str(error)


def test_a_time_limit_is_told(index: Index, tmp_path: Path) -> None:
    error = _as_error(Finished(-signal.SIGKILL, "", "", True, "", 5.0), "uv pip install")
    assert (type(error), str(error).splitlines()[0]) == (
        IndexUnavailable,
        "error[index-unavailable]: uv pip install: no answer within 5 s",
    )
