"""Indexes that want a name and a password: from wherever they may come, they are used and shown nowhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from serve_index import Index, serve

from compatmatrix.emit import FORMATS

from .conftest import Answer, Ask
from .small_world import HOST, V100, publish

SECRET = "s3cr3t-w0rd"
pytestmark = pytest.mark.usefixtures("private_settings")


@pytest.fixture
def closed(ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Index]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("UV_NO_CACHE", "1")
    with serve(user="me", password=SECRET) as index:
        publish(index, ask)
        yield index


@pytest.fixture
def lock(ask: Ask, closed: Index) -> Callable[..., Answer]:
    def call(*argv: str | Path) -> Answer:
        return ask("lock", *HOST, *V100, "--prefer", "newest", *argv)

    return call


Call = Callable[..., Answer]


def with_credentials(url: str, user: str = f"me:{SECRET}") -> str:
    return url.replace("//", f"//{user}@")


def write_netrc(password: str = SECRET) -> None:
    path = Path(os.environ["NETRC"])
    path.write_text(f"machine 127.0.0.1 login me password {password}\n")
    path.chmod(0o600)


def assert_locked(answer: Answer, index: Index, *, build: str = "+cu126") -> None:
    """The build of the closed PyTorch index was taken, and the password stands nowhere."""
    assert answer.status == 0, answer.err
    assert f"{build}" in answer.out
    assert "was not used" not in answer.err
    assert SECRET not in answer.out + answer.err
    assert any(path.startswith("simple/fastai") for path in index.requests)


def indexes(index: Index) -> tuple[str, ...]:
    return ("--index-url", index.url("simple"), "--torch-index-url", index.url("whl"))


@pytest.mark.parametrize(
    "form",
    [pytest.param(form, marks=() if form in ("requirements", "uv") else pytest.mark.slow) for form in FORMATS],
)
def test_netrc_in_every_format(lock: Call, closed: Index, form: str) -> None:
    write_netrc()
    answer = lock("-f", form, *indexes(closed))
    assert answer.status == 0, answer.err
    assert SECRET not in answer.out + answer.err
    assert "cu126" in answer.out


def test_in_the_addresses(lock: Call, closed: Index, tmp_path: Path) -> None:
    named = tuple(map(with_credentials, indexes(closed)))
    assert_locked(lock("-f", "pylock", *named), closed)
    target = tmp_path / "requirements.txt"
    assert lock("-o", target, *named).status == 0
    assert SECRET not in target.read_text()
    assert lock("--check", target, *named).out == f"{target}: up to date\n"


@pytest.mark.parametrize("name", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"])
def test_in_an_address_of_the_environment(
    lock: Call, closed: Index, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, with_credentials(closed.url("simple")))
    assert_locked(lock("-f", "pylock", "--torch-index-url", with_credentials(closed.url("whl"))), closed)


def test_by_uvs_variables_of_an_index(lock: Call, closed: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """uv names them after the index; ours is called pytorch."""
    monkeypatch.setenv("UV_INDEX_PYTORCH_USERNAME", "me")
    monkeypatch.setenv("UV_INDEX_PYTORCH_PASSWORD", SECRET)
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"base={closed.url('simple')}")
    monkeypatch.setenv("UV_INDEX_BASE_USERNAME", "me")
    monkeypatch.setenv("UV_INDEX_BASE_PASSWORD", SECRET)
    assert_locked(lock("-f", "pylock", "--torch-index-url", closed.url("whl")), closed)


def test_in_pips_file(lock: Call, closed: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = {with_credentials(closed.url('simple'))}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert_locked(lock("-f", "pylock", "--torch-index-url", with_credentials(closed.url("whl"))), closed)


def test_in_uvs_file(lock: Call, closed: Index, tmp_path: Path) -> None:
    file = tmp_path / "config/uv/uv.toml"
    file.parent.mkdir(parents=True)
    file.write_text(f'[[index]]\nurl = "{with_credentials(closed.url("simple"))}"\ndefault = true\n')
    assert_locked(lock("-f", "pylock", "--torch-index-url", with_credentials(closed.url("whl"))), closed)


@pytest.mark.skipif(sys.platform == "win32", reason="a script as program")
@pytest.mark.parametrize("setting", ["UV_KEYRING_PROVIDER", "PIP_KEYRING_PROVIDER"])
def test_by_a_keyring(lock: Call, closed: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str) -> None:
    asked = tmp_path / "asked"
    program = tmp_path / "bin/keyring"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {asked}\ncase "$*" in *127.0.0.1*me) echo {SECRET};; *) exit 1;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv(setting, "subprocess")
    assert_locked(lock("-f", "pylock", *(with_credentials(word, "me") for word in indexes(closed))), closed)
    assert "127.0.0.1" in asked.read_text()


def test_an_extra_index_of_pips_environment(
    lock: Call, closed: Index, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked where something is on no other index, and then gives the best version, as with pip; an index in the
    PyTorch layout is bound by us and never asked for the rest."""
    from serve_index import wheel

    with serve(user="me", password=SECRET) as private:
        private.add("simple", wheel("our-own", "1.0"))
        private.add("simple", wheel("fastcore", "1.13.0"))
        private.add("whl/cu126", wheel("numpy", "9.0.0"))
        extras = [with_credentials(private.url(tree)) for tree in ("simple", "whl/cu126")]
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", " ".join(extras))
        monkeypatch.setenv("PIP_INDEX_URL", with_credentials(closed.url("simple")))
        torch = ("--torch-index-url", with_credentials(closed.url("whl")))
        assert "fastcore==1.12.0" in lock(*torch).out
        answer = lock("our-own", *torch)
    assert_locked(answer, closed)
    assert "our-own==1.0" in answer.out and "fastcore==1.13.0" in answer.out
    assert "numpy==2.3.0" in answer.out


@pytest.mark.parametrize("policy", ["auto", "pytorch"])
def test_wrong_ones_are_told_without_showing_them(lock: Call, closed: Index, policy: str) -> None:
    wrong = tuple(with_credentials(word, "me:wr0ng-w0rd") for word in indexes(closed))
    answer = lock("--fresh", "--index", policy, *wrong)
    assert answer.status == 3
    assert "index-unavailable" in answer.err
    assert "wants credentials" in answer.err
    assert "wr0ng-w0rd" not in answer.out + answer.err


def test_a_mirror_that_does_not_know_us_gives_way_to_pypi(lock: Call, closed: Index) -> None:
    wrong = with_credentials(closed.url("whl"), "me:wr0ng-w0rd")
    answer = lock("--fresh", "--index-url", with_credentials(closed.url("simple")), "--torch-index-url", wrong)
    assert answer.status == 0, answer.err
    assert "the PyTorch index was not used (package index 127.0.0.1" in answer.err
    assert "wr0ng-w0rd" not in answer.out + answer.err
