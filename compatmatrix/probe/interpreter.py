"""Which interpreter to look at: never the tool's own environment by accident.

 1. the path given.
 2. the active environment: $VIRTUAL_ENV, else $CONDA_PREFIX (but not conda's base, which is always active).
 3. ./.venv
 4. python3, then python, on PATH.
 5. the tool's own environment, with a note.

In 2 to 4 the tool's own environment is passed over, unless torch or fastai lives there: then the tool was
installed into the training environment on purpose (the extra "train").
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from compatmatrix.errors import BadInput, UsageError
from compatmatrix.probe.environment import TIME_LIMIT, Interpreter, look_at
from compatmatrix.probe.files import is_file, is_folder

if TYPE_CHECKING:
    from compatmatrix.probe.driver import Run

__all__ = ["Interpreter", "find_interpreter"]

_OWN = "no other interpreter was found: this is the environment that compatmatrix itself lives in"
_TRIES = 4


def find_interpreter(
    given: Path | None = None,
    *,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
    own_prefix: Path | None = None,
    run: Run | None = None,
    time_limit: float = TIME_LIMIT,
) -> Interpreter:
    """Choose an interpreter and look at it (see the module).

    given: an interpreter or an environment's folder. folder: where .venv is looked for, by default the current one.
    environ: VIRTUAL_ENV, CONDA_PREFIX, PATH. own_prefix: the tool's own environment. time_limit: seconds for each
    interpreter that must be started. Raises UsageError or BadInput for what was given; what was found by itself
    and does not work is passed over with a note.
    """
    environ = os.environ if environ is None else environ
    if given is not None:
        return look_at(given.expanduser(), "given", environ=environ, run=run, time_limit=time_limit)
    own = Path(os.path.realpath(own_prefix or sys.prefix))
    notes: list[str] = []
    tried: set[str] = set()
    for path, origin in _places(folder or Path(), environ):
        if origin == "PATH" and (len(tried) >= _TRIES or _known(path, tried)):
            continue
        try:
            found = look_at(path, origin, environ=environ, run=run, time_limit=time_limit)
        except (BadInput, UsageError) as error:
            notes.append(f"passed over: {'; '.join(error.problems)}")
            continue
        if Path(os.path.realpath(found.prefix)) == own and not _trains(found):
            continue
        return _noted(found, notes)
    executable = Path(sys.executable) if own_prefix is None else own
    return _noted(look_at(executable, "own", environ=environ, run=run, time_limit=time_limit), [*notes, _OWN])


def active_interpreter(
    *, folder: Path | None = None, environ: Mapping[str, str] | None = None, run: Run | None = None
) -> Interpreter | None:
    """The active environment or ./.venv, None where there is none: what can be told without searching PATH."""
    environ = os.environ if environ is None else environ
    return next(
        (
            look_at(path, origin, environ=environ, run=run)
            for path, origin in _places(folder or Path(), environ)
            if origin != "PATH" and is_folder(path)
        ),
        None,
    )


def _places(folder: Path, environ: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    if environ.get("VIRTUAL_ENV"):
        yield Path(environ["VIRTUAL_ENV"]), "VIRTUAL_ENV"
    elif environ.get("CONDA_PREFIX") and environ.get("CONDA_DEFAULT_ENV") != "base":
        yield Path(environ["CONDA_PREFIX"]), "CONDA_PREFIX"
    if is_folder(folder / ".venv"):
        yield folder / ".venv", ".venv"
    suffix = ".exe" if sys.platform == "win32" else ""
    for name in ("python3", "python"):
        for place in environ.get("PATH", os.defpath).split(os.pathsep):
            path = Path(place or ".", name + suffix)
            # The stubs below WindowsApps open a shop instead of running Python.
            if "WindowsApps" not in place and is_file(path) and os.access(path, os.X_OK):
                yield path, "PATH"


def _known(path: Path, tried: set[str]) -> bool:
    """Whether this interpreter was tried. An environment's python is a link to its base: the folder counts too."""
    folder = path.parent.parent
    key = str(path.parent) if is_file(folder / "pyvenv.cfg") else os.path.realpath(path)
    if key in tried:
        return True
    tried.add(key)
    return False


def _trains(interpreter: Interpreter) -> bool:
    return any(is_folder(place / name) for place in interpreter.site_packages for name in ("torch", "fastai"))


def _noted(found: Interpreter, notes: list[str]) -> Interpreter:
    return found._replace(notes=(*found.notes, *notes)) if notes else found
