from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from packaging.version import Version

from compatmatrix.errors import BadInput, UsageError
from compatmatrix.model.host import Python
from compatmatrix.probe.interpreter import Interpreter, find_interpreter

from .fakes import make_venv, python_of

GONE = "/no/such/python"


def program(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def look(path: Path, **more: object) -> Interpreter:
    return find_interpreter(path, environ={"PATH": "/usr/bin:/bin"}, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "bin/python"])
def test_a_venv_is_read_and_not_run(tmp_path: Path, name: str) -> None:
    tattler = program(tmp_path / "tattler", f"touch {tmp_path}/ran")
    venv = make_venv(tmp_path / "venv", "3.10.13", link=str(tattler))
    found = look(venv / name)
    assert found.python.value == Python(Version("3.10.13"))
    assert found.python.origin == "pyvenv.cfg"
    assert found.site_packages == (venv / "lib/python3.10/site-packages",)
    assert (found.path, found.prefix, found.installer) == (venv / "bin/python", venv, "pip")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("lines", "version"),
    [
        ("version_info = 3.12.1\nuv = 0.5.0\n", "3.12.1"),
        ("version_info = 3.8.18.final.0\nvirtualenv = 20.26.0\nversion = 20.26.0\n", "3.8.18"),
        ("version_info = 3.14.0.candidate.2\n", "3.14.0rc2"),
        ("VERSION=3.9.1\n", "3.9.1"),
    ],
)
def test_dialects_of_pyvenv_cfg(tmp_path: Path, lines: str, version: str) -> None:
    venv = make_venv(tmp_path / "venv", version)
    (venv / "pyvenv.cfg").write_text(lines)
    found = look(venv)
    assert found.python.value == Python(Version(version))
    assert found.installer == ("uv" if "uv =" in lines else "pip")


def test_paths_are_absolute_and_not_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_venv(tmp_path / "venv")
    monkeypatch.chdir(tmp_path)
    assert look(Path("venv")).path == tmp_path / "venv/bin/python"


def test_free_threaded(tmp_path: Path) -> None:
    venv = make_venv(tmp_path / "venv", "3.13.0")
    (venv / "lib/python3.13").rename(venv / "lib/python3.13t")
    found = look(venv)
    assert str(found.python.value) == "3.13.0t"
    assert found.site_packages == (venv / "lib/python3.13t/site-packages",)


def test_system_site_packages_come_after_the_own(tmp_path: Path) -> None:
    base = tmp_path / "base/lib/python3.11/site-packages"
    user = tmp_path / "home/.local/lib/python3.11/site-packages"
    for folder in (base, user, tmp_path / "base/bin"):
        folder.mkdir(parents=True)
    venv = make_venv(tmp_path / "venv")
    (venv / "pyvenv.cfg").write_text(
        f"home = {tmp_path}/base/bin\nversion = 3.11.7\ninclude-system-site-packages = true\n"
    )
    found = find_interpreter(venv, environ={"HOME": str(tmp_path / "home")})
    assert found.site_packages == (venv / "lib/python3.11/site-packages", user, base)
    silent = find_interpreter(venv, environ={"HOME": str(tmp_path / "home"), "PYTHONNOUSERSITE": "1"})
    assert silent.site_packages == (venv / "lib/python3.11/site-packages", base)


def conda(folder: Path, record: str = "python-3.10.14-h955ad1f_0.json") -> Path:
    program(folder / "bin/python", "exit 3")
    (folder / "conda-meta").mkdir()
    for name in ("python_abi-3.10-2_cp310.json", "python-dateutil-2.9.0-py310_0.json", record, "history"):
        (folder / "conda-meta" / name).touch()
    (folder / "lib/python3.10/site-packages").mkdir(parents=True)
    return folder


def test_a_conda_prefix_is_read_and_not_run(tmp_path: Path) -> None:
    prefix = conda(tmp_path / "env")
    for path in (prefix, prefix / "bin/python"):
        found = look(path)
        assert found.python.value == Python(Version("3.10.14"))
        assert found.site_packages == (prefix / "lib/python3.10/site-packages",)
        assert found.installer == "conda"


def test_a_conda_prefix_without_python_record_is_asked(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="exit status 3"):
        look(conda(tmp_path / "env", "pip-24.0-py310_0.json"))


def test_our_base_interpreter_is_asked(tmp_path: Path) -> None:
    found = look(Path(sys.base_prefix, "bin/python3"))
    assert found.python.value
    assert found.python.value.version.release == sys.version_info[:3]
    assert found.installer is None


@pytest.mark.parametrize("minor", ["3.7", "3.8", "3.9", "3.10", "3.12", "3.13"])
def test_real_interpreters_and_their_venvs(tmp_path: Path, minor: str) -> None:
    python = python_of(minor)
    if python is None:
        pytest.skip(f"no Python {minor} here")
    base = look(Path(python))
    assert base.python.value
    assert base.python.value.minor == minor
    assert base.site_packages
    subprocess.run([python, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True, timeout=60)
    venv = look(tmp_path / "venv")
    assert venv.python.value == base.python.value
    assert venv.site_packages == (tmp_path / f"venv/lib/python{minor}/site-packages",)


def test_pth_files_do_not_run(tmp_path: Path) -> None:
    user = tmp_path / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    user.mkdir(parents=True)
    (user / "evil.pth").write_text(f"import os; open({str(tmp_path / 'ran')!r}, 'w')\n")
    (user / "usercustomize.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    found = find_interpreter(Path(sys.base_prefix, "bin/python3"), environ={"PYTHONUSERBASE": str(tmp_path)})
    assert found.site_packages[0] == user
    assert not (tmp_path / "ran").exists()


def test_a_given_path_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("hello")
    (tmp_path / "dangling").symlink_to(GONE)
    make_venv(tmp_path / "broken", link=GONE)
    for name, words in {
        "nothing": "does not exist",
        "empty": "no interpreter in",
        "text": "not executable",
        "dangling": "interpreter that is gone",
        "broken": "interpreter that is gone",
    }.items():
        with pytest.raises(UsageError, match=words) as caught:
            look(tmp_path / name)
        assert "--python" in str(caught.value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("echo hello", "answers nonsense: hello"),
        ("echo no >&2; exit 2", "exit status 2: no"),
        ("kill -SEGV $$", "SIGSEGV"),
        ("echo '{\"compatmatrix\": '", "answers nonsense"),
        (r"printf '\377\000\376'", "answers nonsense"),
    ],
)
def test_a_given_program_that_is_no_python(tmp_path: Path, body: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        look(program(tmp_path / "python", body))


def test_a_given_program_that_hangs(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(BadInput, match="no answer within"):
        look(program(tmp_path / "python", "sleep 60"), time_limit=0.3)
    assert time.monotonic() - started < 5


def test_chatter_is_ignored(tmp_path: Path) -> None:
    shim = program(tmp_path / "python", f'echo "loading modules"; exec "{Path(sys.base_prefix, "bin/python3")}" "$@"')
    assert look(shim).python.known


class TestChoice:
    """The order of the module's list. own_prefix is the tool's own environment."""

    @pytest.fixture
    def own(self, tmp_path: Path) -> Path:
        return make_venv(tmp_path / "own")

    def find(self, tmp_path: Path, own: Path, **environ: object) -> Interpreter:
        text = {"PATH": "/nowhere", **{name: str(value) for name, value in environ.items()}}
        return find_interpreter(folder=tmp_path, environ=text, own_prefix=own)

    def test_the_active_environment_first(self, tmp_path: Path, own: Path) -> None:
        make_venv(tmp_path / ".venv")
        active = make_venv(tmp_path / "active", "3.10.2")
        found = self.find(tmp_path, own, VIRTUAL_ENV=active, CONDA_PREFIX=tmp_path, PATH=active / "bin")
        assert (found.origin, found.prefix) == ("VIRTUAL_ENV", active)

    def test_conda_but_not_its_base(self, tmp_path: Path, own: Path) -> None:
        prefix = conda(tmp_path / "env")
        assert self.find(tmp_path, own, CONDA_PREFIX=prefix).origin == "CONDA_PREFIX"
        make_venv(tmp_path / ".venv")
        assert self.find(tmp_path, own, CONDA_PREFIX=prefix, CONDA_DEFAULT_ENV="base").origin == ".venv"

    def test_dot_venv_before_path(self, tmp_path: Path, own: Path) -> None:
        make_venv(tmp_path / ".venv")
        other = make_venv(tmp_path / "other")
        assert self.find(tmp_path, own, PATH=other / "bin").origin == ".venv"

    def test_path_skips_our_own(self, tmp_path: Path, own: Path) -> None:
        other = make_venv(tmp_path / "other", "3.10.2")
        found = self.find(tmp_path, own, VIRTUAL_ENV=own, PATH=f"{own}/bin:{other}/bin")
        assert (found.origin, found.prefix) == ("PATH", other)

    @pytest.mark.parametrize("package", ["torch", "fastai"])
    def test_our_own_where_training_lives(self, tmp_path: Path, own: Path, package: str) -> None:
        (own / "lib/python3.11/site-packages" / package).mkdir()
        other = make_venv(tmp_path / "other", "3.10.2")
        found = self.find(tmp_path, own, VIRTUAL_ENV=own, PATH=f"{own}/bin:{other}/bin")
        assert (found.origin, found.prefix, found.notes) == ("VIRTUAL_ENV", own, ())

    def test_our_own_where_nothing_else_is(self, tmp_path: Path, own: Path) -> None:
        found = self.find(tmp_path, own, VIRTUAL_ENV=own, PATH=own / "bin")
        assert (found.origin, found.prefix) == ("own", own)
        assert "compatmatrix itself" in found.notes[0]

    def test_what_is_broken_is_passed_over_with_a_note(self, tmp_path: Path, own: Path) -> None:
        program(tmp_path / "bad/python3", "exit 1")
        make_venv(tmp_path / ".venv", link=GONE)
        other = make_venv(tmp_path / "other", "3.10.2")
        found = self.find(tmp_path, own, VIRTUAL_ENV=tmp_path / "gone", PATH=f"{tmp_path}/bad:{other}/bin")
        assert found.prefix == other
        assert [note.split(":")[1].strip() for note in found.notes] == ["VIRTUAL_ENV", ".venv", "PATH"]

    def test_pythonpath_is_noted(self, tmp_path: Path, own: Path) -> None:
        active = make_venv(tmp_path / "active")
        assert "PYTHONPATH" in self.find(tmp_path, own, VIRTUAL_ENV=active, PYTHONPATH="/x").notes[0]
