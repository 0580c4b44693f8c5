"""One Python environment, looked at without running any of its code.

A virtual environment tells its version in pyvenv.cfg, a conda prefix in the name of a file below conda-meta. Any
other interpreter is started once, isolated and without `site` (so neither .pth files nor sitecustomize run).
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from packaging.version import InvalidVersion, Version

from compatmatrix.errors import BadInput, UsageError
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Python
from compatmatrix.probe.files import exists, is_file, is_folder, is_link

if TYPE_CHECKING:
    from compatmatrix.probe.driver import Run

TIME_LIMIT = 10.0
"""Seconds that an interpreter may take to say who it is."""

Installer = Literal["uv", "pip", "conda"]

# Runs in Python 3.7 and later. Importing site by name runs nothing: its main() is skipped under -S.
_QUESTION = """\
import json, site, sys, sysconfig
v = sys.version_info
paths = []
for ask in (site.getsitepackages, lambda: [sysconfig.get_path(name) for name in ("purelib", "platlib")]):
    try:
        paths += ask()
    except Exception:
        pass
try:
    user = site.getusersitepackages()
except Exception:
    user = None
print("\\n" + json.dumps({"compatmatrix": 1, "version": list(v), "implementation": sys.implementation.name,
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")), "prefix": sys.prefix,
    "executable": sys.executable, "paths": paths, "user": user}))
"""


class Interpreter(NamedTuple):
    """An interpreter and its environment.

    path: the executable. site_packages: existing folders, first on the import path first. origin: how it was
    chosen ("given", "VIRTUAL_ENV", ".venv", "PATH"). installer: who made the environment, so what installs into
    it; None for a plain interpreter. prefix: the environment's folder.
    """

    path: Path
    python: Fact[Python]
    site_packages: tuple[Path, ...]
    origin: str
    notes: tuple[str, ...] = ()
    installer: Installer | None = None
    prefix: Path = Path()


def look_at(
    path: Path,
    origin: str,
    *,
    environ: Mapping[str, str] | None = None,
    run: Run | None = None,
    time_limit: float = TIME_LIMIT,
) -> Interpreter:
    """Look at an interpreter, or at the folder of an environment.

    origin: how the path was chosen. environ: for PYTHONUSERBASE and the like. Raises UsageError for a path that
    cannot be an interpreter, BadInput for one that dies, hangs or answers nonsense; both name the origin.
    """
    environ = os.environ if environ is None else environ
    label = "--python" if origin == "given" else origin
    # Absolute, for children that start elsewhere; not resolved, because a venv's python is a link to its base.
    path = path.absolute()
    if not exists(path):
        what = "points to an interpreter that is gone" if is_link(path) else "does not exist"
        raise UsageError(f"{label}: {path} {what}", hint=_HINT)
    folder = path if is_folder(path) else None
    executable = _executable(folder, label) if folder else path
    if not os.access(executable, os.X_OK):
        raise UsageError(f"{label}: {executable} is not executable", hint=_HINT)
    prefix = folder or executable.parent
    for root in (prefix, prefix.parent):
        if is_file(root / "pyvenv.cfg"):
            found = _virtual(root, executable, origin, environ)
        elif is_folder(root / "conda-meta"):
            found = _conda(root, executable, origin, environ)
        else:
            continue
        if found:
            return found
    try:
        return _ask(executable, origin, environ, run, time_limit)
    except BadInput as error:
        raise BadInput(f"{label}: {error.problems[0]}", hint=_HINT) from None


_HINT = "name an interpreter or a virtual environment with --python"


def _executable(folder: Path, label: str) -> Path:
    names = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe", "python", "python3")
    for name in names:
        if is_file(folder / name):
            return folder / name
    for name in names:
        if is_link(folder / name):
            raise UsageError(
                f"{label}: {folder / name} points to an interpreter that is gone", hint="make the environment again"
            )
    raise UsageError(f"{label}: there is no interpreter in {folder}", hint=_HINT)


def _virtual(root: Path, executable: Path, origin: str, environ: Mapping[str, str]) -> Interpreter | None:
    """A virtual environment, by pyvenv.cfg as venv, virtualenv and uv write it; None where it does not say enough."""
    try:
        text = (root / "pyvenv.cfg").read_text("utf-8", "replace")
    except OSError:
        return None
    config = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            config[key.strip().lower()] = value.strip()
    # virtualenv's "version_info" is the interpreter's, its "version" may be its own; venv writes "version" only.
    version = _version(config.get("version_info") or config.get("version") or "")
    if version is None or config.get("implementation", "CPython").lower() not in {"cpython", ""}:
        return None
    tag = f"{version.major}.{version.minor}"
    threads = any(exists(root / place) for place in (f"lib/python{tag}t", f"Scripts/python{tag}t.exe"))
    places = list(_lib(root, tag, threads))
    if config.get("include-system-site-packages", "").lower() == "true":
        home = Path(config.get("home", ""))
        base = home if sys.platform == "win32" else home.parent
        places += [*_user_site(environ, tag, threads), *_lib(base, tag, threads)]
        if base == Path("/usr"):
            places += [Path(f"/usr/local/lib/python{tag}/dist-packages"), Path("/usr/lib/python3/dist-packages")]
    python = Fact.of(Python(version, threads), "pyvenv.cfg")
    found, notes = _existing(places), _notes(environ)
    if not found:
        notes += (f"{root} has no site-packages folder for Python {tag}",)
    return Interpreter(executable, python, found, origin, notes, "uv" if "uv" in config else "pip", root)


def _conda(root: Path, executable: Path, origin: str, environ: Mapping[str, str]) -> Interpreter | None:
    """A conda prefix, by the file that conda keeps for its python: python-3.11.7-hab00c5b_0_cpython.json."""
    for name in sorted(entry.name for entry in os.scandir(root / "conda-meta")):
        match = re.fullmatch(r"python-([0-9][0-9a-z.]*)-([^-]+)\.json", name)
        version = _version(match[1]) if match else None
        if match is None or version is None or "pypy" in match[2]:
            continue
        tag, threads = f"{version.major}.{version.minor}", bool(re.search(r"_cp[0-9]+t$", match[2]))
        python = Fact.of(Python(version, threads), "conda-meta")
        places = [*_user_site(environ, tag, threads), *_lib(root, tag, threads)]
        return Interpreter(executable, python, _existing(places), origin, _notes(environ), "conda", root)
    return None


def _ask(executable: Path, origin: str, environ: Mapping[str, str], run: Run | None, time_limit: float) -> Interpreter:
    import json

    from compatmatrix import process

    ask = run or process.run
    done = ask([str(executable), "-I", "-S", "-c", _QUESTION], timeout=time_limit, env=environ)
    said: dict[str, Any] = {}
    for line in done.stdout.splitlines():
        if line.startswith('{"compatmatrix"'):
            try:
                said = json.loads(line)
            except ValueError:
                continue
    if not done.ok or not said:
        words = (done.stderr or done.stdout).strip().splitlines()
        telling = words[-1 if words[0].startswith("Traceback") else 0][:200] if words else ""
        how = "it answers nonsense" if done.ok else done.describe()
        raise BadInput(f"{executable} is no working Python 3 ({how}{telling and f': {telling}'})")
    major, minor, micro, level, serial = said["version"]
    end = {"alpha": f"a{serial}", "beta": f"b{serial}", "candidate": f"rc{serial}"}.get(level, "")
    version = Version(f"{major}.{minor}.{micro}{end}")
    python = Fact.of(Python(version, said["free_threaded"], said["implementation"]), "interpreter")
    user = [Path(said["user"])] if said["user"] and "PYTHONNOUSERSITE" not in environ else []
    places = user + [Path(place) for place in said["paths"] if place]
    return Interpreter(
        Path(said["executable"] or executable), python, _existing(places), origin, _notes(environ), None,
        Path(said["prefix"]),
    )  # fmt: skip


def _version(text: str) -> Version | None:
    """Read "3.11.7", or virtualenv's "3.11.7.final.0"."""
    match = re.fullmatch(r"([0-9]+\.[0-9]+(?:\.[0-9]+)?)(?:\.(alpha|beta|candidate|final)\.([0-9]+))?", text)
    if match:
        end = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(match[2] or "", "")
        text = f"{match[1]}{end}{match[3] if end else ''}"
    try:
        version = Version(text)
    except InvalidVersion:
        return None
    return version if len(version.release) > 1 else None


def _lib(root: Path, tag: str, threads: bool) -> Iterator[Path]:
    suffix = "t" if threads else ""
    for lib in ("lib", "lib64"):
        yield root / lib / f"python{tag}{suffix}" / "site-packages"
    yield root / "Lib" / "site-packages"


def _user_site(environ: Mapping[str, str], tag: str, threads: bool) -> Iterator[Path]:
    if "PYTHONNOUSERSITE" in environ:
        return
    if sys.platform == "win32":
        base = Path(environ.get("PYTHONUSERBASE") or f"{environ.get('APPDATA', '')}\\Python")
        yield base / f"Python{tag.replace('.', '')}{'t' if threads else ''}" / "site-packages"
    elif environ.get("PYTHONUSERBASE") or environ.get("HOME"):
        base = Path(environ.get("PYTHONUSERBASE") or f"{environ['HOME']}/.local")
        yield base / "lib" / f"python{tag}{'t' if threads else ''}" / "site-packages"


def _existing(places: list[Path]) -> tuple[Path, ...]:
    """The folders that are there, each once (lib64 is often a link to lib)."""
    found: dict[str, Path] = {}
    for place in places:
        if is_folder(place):
            found.setdefault(os.path.realpath(place), place)
    return tuple(found.values())


def _notes(environ: Mapping[str, str]) -> tuple[str, ...]:
    if environ.get("PYTHONPATH"):
        return ("PYTHONPATH is set: what lies there is imported first, and was not looked at",)
    return ()
