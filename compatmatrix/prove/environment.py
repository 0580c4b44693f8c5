"""Make a fresh virtual environment from a lock, every file checked by its hash."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from compatmatrix.errors import CompatmatrixError, IndexUnavailable, ToolFailed, UsageError
from compatmatrix.index import uv_environment
from compatmatrix.process import Finished, run, uv_program

_PLAIN = ("--no-progress", "--color=never", "--no-python-downloads")

# What the tool's words mean; the first that matches is told. Any other failure is told by its last lines alone.
_DISK = re.compile(r"No space left|os error 28\b|Errno 28\b|quota exceeded", re.I)
_HASH = re.compile(r"Hash mismatch|DO NOT MATCH THE HASHES|Hashes are required|In `?--require-hashes`? mode", re.I)
_NETWORK = re.compile(
    r"Failed to fetch|error sending request|Could not connect|operation timed out|dns error|Request failed after"
    r"|NewConnectionError|Read timed out|Connection (refused|reset)|returned a (401|407|5\d\d)|invalid peer certificate"
    r"|CERTIFICATE_VERIFY_FAILED|network was disabled",
    re.I,
)
_PYTHON = re.compile(
    r"No interpreter found|Failed to inspect Python|No Python (at|found)|not found in|unsupported Python|No such file",
    re.I,
)


def make_environment(
    lock_text: str,
    python: str | Path,
    directory: Path,
    *,
    default_index: str | None = None,
    index_args: Sequence[str] = (),
    timeout: float = 3600.0,
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Make a virtual environment and install a requirements text into it; gives its interpreter.

    lock_text: requirements with hashes, its index lines included. python: an interpreter, or a version ("3.10").
    directory: new, empty, or an environment, which is replaced. default_index: base index URL, None for the user's
    own setting. index_args: further options that uv and pip share (`--extra-index-url URL`, `--find-links DIR`).
    Raises UsageError for a directory that holds something else, IndexUnavailable, and ToolFailed (no interpreter,
    wrong hash, disk full). What was begun is removed then.
    """
    say = progress or (lambda _: None)
    if directory.exists() and not _replaceable(directory):
        raise UsageError(
            f"{directory}: exists and is no virtual environment",
            hint="name another folder, or remove this one yourself",
        )
    interpreter = find_interpreter(python)
    deadline = time.monotonic() + timeout
    env = uv_environment(default_index)
    say(f"making a virtual environment with {interpreter}")
    try:
        with tempfile.TemporaryDirectory(prefix="compatmatrix-lock-", ignore_cleanup_errors=True) as folder:
            lock = Path(folder) / "requirements.txt"
            lock.write_text(lock_text, encoding="utf-8")
            count = sum(1 for line in lock_text.splitlines() if re.match(r"[A-Za-z0-9]", line))
            target, by_uv = _venv(interpreter, directory, deadline, env)
            say(f"installing {count} packages")
            _install(target, lock, by_uv, index_args, deadline, env)
    except BaseException as error:
        shutil.rmtree(directory, ignore_errors=True)
        if isinstance(error, OSError):
            raise ToolFailed(f"{error.filename or directory}: {error.strerror or error}") from error
        raise
    return target


def find_interpreter(python: str | Path, *, environ: Mapping[str, str] | None = None) -> str:
    """The interpreter that is meant: a path as it is, a version as uv, PATH or pyenv find it.

    environ: for tests. Raises ToolFailed where there is none.
    """
    text = str(python)
    if isinstance(python, Path) or not re.fullmatch(r"\d+(\.\d+){0,2}t?", text):
        found = text if Path(text).is_file() else shutil.which(text)
        if not found:
            raise ToolFailed(f"{text}: no such interpreter", hint="name one with --python PATH")
        return found
    environ = os.environ if environ is None else environ
    asked = run(
        (uv_program(), "python", "find", *_PLAIN, "--no-project", "--system", text), timeout=60, env=dict(environ)
    )
    if asked.ok and asked.stdout.strip():
        return asked.stdout.strip()
    # A pyenv shim on PATH that is switched off makes uv stop looking, where others would do.
    for candidate in _candidates(text, environ):
        if run((str(candidate), "-I", "-c", ""), timeout=30).ok:
            return str(candidate)
    hint = f"name one with --python PATH, or get one: uv python install {text}"
    said = _last_words(asked)
    raise ToolFailed(f"Python {text}: no interpreter found" + (f": {said}" if said else ""), hint=hint)


def _candidates(version: str, environ: Mapping[str, str]) -> list[Path]:
    folders = [Path(entry) for entry in environ.get("PATH", "").split(os.pathsep) if entry]
    root = Path(environ.get("PYENV_ROOT") or Path(environ.get("HOME", "")) / ".pyenv")
    own = [
        path for path in root.glob(f"versions/{version}*") if re.fullmatch(rf"{re.escape(version)}(\.\d+)*", path.name)
    ]
    newest = sorted(own, key=lambda path: [int(part) for part in re.findall(r"\d+", path.name)], reverse=True)
    paths = [folder / f"python{version}" for folder in folders] + [path / "bin" / "python3" for path in newest]
    return [path for path in paths if path.is_file()]


def _replaceable(directory: Path) -> bool:
    if not directory.is_dir() or directory.is_symlink():
        return False
    return (directory / "pyvenv.cfg").is_file() or not any(directory.iterdir())


def _venv(interpreter: str, directory: Path, deadline: float, env: Mapping[str, str]) -> tuple[Path, bool]:
    """The new environment's interpreter, and whether uv made it (else the interpreter itself did, with pip)."""
    argv = (uv_program(), "venv", *_PLAIN, "--clear", "--no-project", "--python", interpreter, str(directory))
    made = run(argv, timeout=_left(deadline), env=env)
    if made.ok:
        return _interpreter_in(directory), True
    if _DISK.search(made.stderr) or made.timed_out:
        raise _as_error(made, "uv venv")
    # A Python that uv no longer knows can still make its own.
    own = run((interpreter, "-I", "-m", "venv", "--clear", str(directory)), timeout=_left(deadline), env=env)
    if not own.ok:
        raise _as_error(made, "uv venv")
    return _interpreter_in(directory), False


def _interpreter_in(directory: Path) -> Path:
    return directory.absolute() / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _install(
    target: Path, lock: Path, by_uv: bool, index_args: Sequence[str], deadline: float, env: Mapping[str, str]
) -> None:
    if by_uv:
        # Every file is bound by its hash, so no index can slip in another; any may serve any package.
        options = ("--require-hashes", "--index-strategy", "unsafe-best-match", *index_args)
        argv = (uv_program(), "pip", "install", *_PLAIN, "--python", str(target), *options, "-r", str(lock))
        done = run(argv, timeout=_left(deadline), env=env)
        what = "uv pip install"
    else:
        base = env.get("UV_DEFAULT_INDEX")
        options = ("--require-hashes", "--no-input", *(("--index-url", base) if base else ()), *index_args)
        argv = (str(target), "-I", "-m", "pip", "install", *options, "-r", str(lock))
        done = run(argv, timeout=_left(deadline), env=env)
        what = "pip install"
    if not done.ok:
        raise _as_error(done, what)


def _left(deadline: float) -> float:
    return max(1.0, deadline - time.monotonic())


def _as_error(done: Finished, what: str) -> CompatmatrixError:
    """A failed run of uv or pip as our error, with its own last lines."""
    text = done.stderr + done.stdout
    said = _last_words(done)
    problems = f"{what}: {done.describe()}" + (f": {said}" if said else "")
    if _DISK.search(text):
        return ToolFailed(problems, hint="the disk is full: free some space, or name another folder", slug="disk-full")
    if _HASH.search(text):
        hint = "a file differs from what was locked: lock again, or ask the index's owner"
        return ToolFailed(problems, hint=hint, slug="hash-mismatch")
    if done.timed_out or _NETWORK.search(text):
        return IndexUnavailable(problems, hint="try again, or name another index")
    if _PYTHON.search(text):
        return ToolFailed(problems, hint="name an interpreter with --python PATH")
    return ToolFailed(problems)


def _last_words(done: Finished) -> str:
    """What the tool itself said at the end, as one line without credentials."""
    text = re.sub(r"(https?://)[^/\s@]+@", r"\1", done.stderr + "\n" + done.stdout)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    first = next((number for number, line in enumerate(lines) if re.match(r"(?i)error\b", line)), 0)
    return " | ".join(lines[first:][-6:])
