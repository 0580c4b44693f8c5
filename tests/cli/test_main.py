"""The frame of the command line: commands, help, exit statuses, interruption, what is imported."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import compatmatrix
from compatmatrix.cli.main import COMMANDS, cli, run

from .conftest import Ask, MakeVenv

PACKAGE = Path(compatmatrix.__file__).parent
HEAVY = ("requests", "tomlkit", "rich", "asyncio", "xml", "torch", "urllib3", "tomllib", "difflib")


def python(*argv: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """A real process that finds the package of this checkout."""
    path = os.pathsep.join(filter(None, [str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]))
    return subprocess.run(
        [sys.executable, *map(str, argv)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": path, **environ},
    )


def first_sentence(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split())


def test_every_command_is_a_file_and_every_file_a_command() -> None:
    """A file that defines `command` is a command; the others are parts of commands."""
    files = {
        path.stem for path in (PACKAGE / "cli").glob("*.py") if "\ndef command(" in path.read_text(encoding="utf-8")
    }
    assert files == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(ask: Ask, name: str) -> None:
    answer = ask(name, "--help")
    assert answer.status == 0
    assert answer.out.startswith(f"Usage: compatmatrix {name}")
    assert answer == ask(name, "-h")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_summary_is_the_first_sentence_of_the_help(name: str) -> None:
    command = importlib.import_module(f"compatmatrix.cli.{name}").command
    assert first_sentence(command.help) == COMMANDS[name]


def test_the_list_of_commands(ask: Ask) -> None:
    answer = ask("--help")
    assert answer.status == 0
    words = " ".join(answer.out.split())
    for name, summary in COMMANDS.items():
        assert f"{name} {summary.split(';')[0][:40]}" in words


@pytest.mark.parametrize("name", COMMANDS)
def test_options_that_mean_the_same_everywhere(name: str) -> None:
    if name == "matrix":
        return
    command = importlib.import_module(f"compatmatrix.cli.{name}").command
    options = {text for parameter in command.params for text in parameter.opts}
    assert options >= {"--python", "--python-version", "--platform", "--glibc", "--driver", "--gpu", "--cc", "--no-gpu"}
    assert options >= {"--host", "--matrix", "--offline", "--json"}
    assert "--strict" in options or name == "inspect", "where something is judged"


@pytest.mark.parametrize(
    "argv",
    [
        ["--nonsense"],
        ["nonsense"],
        ["lock", "--nonsense"],
        ["lock", "--driver", "abc"],
        ["lock", "--cc", "8.65"],
        ["lock", "--cc", "8"],
        ["lock", "--python-version", "3"],
        ["lock", "--platform", "Linux"],
        ["lock", "--glibc", "new"],
        ["lock", "--index", "conda"],
        ["lock", "--prefer", "oldest"],
        ["lock", "--format", "word"],
        ["check", "--python", "/nowhere/at/all"],
        ["matrix", "nonsense"],
        ["matrix", "show", "nonsense"],
        ["matrix", "show", "torch", "nonsense"],
        ["matrix", "show", "torch", "99.9"],
        ["matrix", "show", "gpu", "Voodoo 2"],
        ["matrix", "show", "cuda", "99.9"],
        ["matrix", "show", "fastai", "99.9"],
    ],
    ids=" ".join,
)
def test_wrong_usage(ask: Ask, argv: list[str]) -> None:
    answer = ask(*argv)
    assert answer.status == 2
    assert answer.out == ""
    assert "Error" in answer.err or "error[" in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("argv", "command", "slug", "status"),
    [
        (["lock", "--nonsense", "--json"], "lock", "usage", 2),
        (["lock", "--core", "--no-gpu", "-f", "json", "torch==99.9"], "lock", "unknown-release", 2),
        (["lock", "--core", "--no-gpu", "--json", "torch<2", "torch>2"], "lock", "contradiction", 1),
        (["matrix", "show", "torch", "99.9", "--json"], "matrix show", "usage", 2),
        (["check", "no-such-file.txt", "--format=json"], "check", "bad-input", 3),
    ],
    ids=["option", "release", "contradiction", "subcommand", "file"],
)
def test_an_error_is_json_where_json_was_asked_for(
    ask: Ask, argv: list[str], command: str, slug: str, status: int
) -> None:
    answer = ask(*argv)
    assert answer.status == status
    assert (answer.json["schema"], answer.json["command"]) == (1, command)
    assert answer.json["error"]["slug"] == slug
    assert all(problem in answer.err for problem in answer.json["error"]["problems"])


@pytest.mark.parametrize("argv", [["--json"], ["nonsense", "--json"]], ids=" ".join)
def test_an_unknown_command_has_no_json(ask: Ask, argv: list[str]) -> None:
    assert ask(*argv)[:2] == (2, "")


def test_version(ask: Ask) -> None:
    assert ask("--version") == (0, f"compatmatrix {compatmatrix.__version__}\n", "")


def test_an_interrupt_inside_a_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", interrupted)
    assert run([]) == 130
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_of_the_real_process(tmp_path: Path, venv: MakeVenv) -> None:
    """While an nvidia-smi that hangs is waited for."""
    started = tmp_path / "started"
    smi = tmp_path / "bin" / "nvidia-smi"
    smi.parent.mkdir()
    smi.write_text(f"#!/bin/sh\n: > '{started}'\nexec sleep 60\n")
    smi.chmod(0o755)
    environ = {**os.environ, "PATH": f"{smi.parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(PACKAGE.parent)}
    process = subprocess.Popen(
        [sys.executable, "-m", "compatmatrix", "inspect", "--python", str(venv())],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 20
        while not started.exists():
            assert time.monotonic() < deadline, "nvidia-smi was never called"
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert out == ""
    assert "Traceback" not in err


def test_a_reader_that_goes_away_is_no_trouble() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "compatmatrix", "matrix", "show", "gpu"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=30) == 0
    assert err == b""


def test_a_real_process() -> None:
    argv = ("--platform", "linux-x86_64", "--python-version", "3.11", "--no-gpu")
    done = python("-m", "compatmatrix", "lock", "--core", "--json", *argv)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["build"] == "cpu"
    assert python("-m", "compatmatrix", "lock", "--core", *argv, "torch==99.9").returncode == 2
    assert python("-m", "compatmatrix", "lock", "--core", *argv, "torch<2.3", "numpy==2.1").returncode == 1


IMPORTED = (
    "import sys\n"
    "from compatmatrix.cli.main import run\n"
    "status = run(sys.argv[1:])\n"
    "print(status, *sorted(sys.modules), file=sys.stderr)\n"
)


@pytest.mark.parametrize("what", ["check", "check FILE", "lock --core", "explain", "--help"])
def test_what_the_fast_commands_do_not_import(what: str, venv: MakeVenv, tmp_path: Path) -> None:
    where = ["--platform", "linux-x86_64", "--driver", "580.65.06", "--gpu", "A100"]
    file = tmp_path / "requirements.txt"
    file.write_text("torch==2.8.0\ntorchvision==0.23.0\n")
    argv = {
        "check": ["check", "--python", str(venv("numpy==2.0.0", torch="2.8.0+cu128")), *where],
        "check FILE": ["check", str(file), "--python-version", "3.11", *where],
        "lock --core": ["lock", "--core", "--python-version", "3.11", *where],
        "explain": ["explain", "--python-version", "3.11", *where],
        "--help": ["--help"],
    }[what]
    compiled = compile_beside(tmp_path)
    matrix = [] if what == "--help" else ["--matrix", str(compiled)]
    done = python("-c", IMPORTED, *argv, *matrix)
    status, *modules = done.stderr.splitlines()[-1].split()
    assert status == "0", (done.stdout, done.stderr)
    assert [name for name in HEAVY if name in modules] == []


def compile_beside(folder: Path) -> Path:
    """A copy of the matrix with its compiled form, as an installation has it."""
    from compatmatrix.matrix.load import compile_matrix, compiled_path, data_folder

    path = folder / "matrix.toml"
    path.write_bytes((data_folder() / "matrix.toml").read_bytes())
    compiled_path(path).write_text(compile_matrix(path), encoding="utf-8")
    return path
