"""Copies of packages that hide each other, records in pairs, and code for another Python."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.stack import Stack
from compatmatrix.probe.environment import Interpreter
from compatmatrix.probe.files import exists, is_folder
from compatmatrix.probe.trouble import COPIES, TORCH_FAMILY, Trouble
from compatmatrix.probe.wheel_tags import foreign_wheels

_TWICE = (*TORCH_FAMILY, "fastai", "numpy")
_MODULES = {**{name: name for name in _TWICE}, "pillow": "PIL"}
"""Those whose records are counted, and the folders that they are imported from."""


def import_path(interpreter: Interpreter, environ: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """The folders that an import searches: PYTHONPATH's existing ones first, then the environment's."""
    return (*_python_path(os.environ if environ is None else environ), *interpreter.site_packages)


def _python_path(environ: Mapping[str, str]) -> tuple[Path, ...]:
    folders = (Path(place) for place in environ.get("PYTHONPATH", "").split(os.pathsep) if place)
    return tuple(folder for folder in folders if is_folder(folder))


def copies(interpreter: Interpreter, stack: Stack, environ: Mapping[str, str]) -> Iterator[Trouble]:
    """Packages that lie in two folders of the import path: the first is imported, pip looks after another."""
    outside = _python_path(environ)
    places = import_path(interpreter, environ)
    homes_of = {name: [folder for folder in places if exists(folder / name / "__init__.py")] for name in _TWICE}
    scattered = len({homes[0] for name in TORCH_FAMILY if (homes := homes_of[name])}) > 1
    for name, homes in homes_of.items():
        if len(homes) < 2 or name not in stack:
            continue
        versions = [_version_in(folder, name) for folder in homes[:2]]
        if versions[0] == versions[1]:
            continue
        one, other = (f"{version or '?'} in {home}" for version, home in zip(versions, homes, strict=False))
        finding = Finding(
            COPIES,
            Severity.WARNING,
            f"{name} is there twice: {one} is imported, {other} is hidden by it",
            packages=(name,),
        )
        if homes[0] in outside:
            hint = f"PYTHONPATH puts {homes[0]} before the environment"
            shell = without(environ, "PYTHONPATH", {homes[0]})
            yield Trouble(finding._replace(hint=hint), shell=shell, without=homes[0])
        elif _is_astray(homes[0], interpreter, scattered and name in TORCH_FAMILY):
            # pip removes the copy that is imported first: the user's own folder before the interpreter's.
            hint = f"remove the copy in {homes[0]}, or start Python with PYTHONNOUSERSITE=1"
            yield Trouble(finding._replace(hint=hint), remove=(name,), without=homes[0])


def _is_astray(home: Path, interpreter: Interpreter, scattered: bool) -> bool:
    """Whether a copy lies where it does harm. A virtual environment that hides the system's copy is as it should be;
    so is a copy in the user's folder, unless it hides a conda environment's or tears the torch family apart."""
    if interpreter.installer == "conda":
        return interpreter.prefix not in home.parents
    return interpreter.installer is None and scattered


def _version_in(folder: Path, name: str) -> str:
    for file in (folder / name / "version.py", folder / name / "_version.py", folder / name / "__init__.py"):
        try:
            with file.open("rb") as opened:
                text = opened.read(1 << 16).decode("utf-8", "replace")
        except OSError:
            continue
        match = re.search(r"""^(?:__version__|version|short_version)\b[^=\n]*=\s*['"]([^'"]{1,60})['"]""", text, re.M)
        if match:
            return match[1]
    return ""


def records(interpreter: Interpreter, stack: Stack) -> Iterator[Trouble]:
    """Two records of one distribution in one folder: what a broken update leaves behind."""
    for folder in interpreter.site_packages:
        seen: dict[str, list[str]] = {}
        for entry in dist_infos(folder):
            name, _, version = entry.removesuffix(".dist-info").rpartition("-")
            seen.setdefault(name.lower().replace("_", "-"), []).append(version)
        for name, versions in seen.items():
            if len(versions) > 1 and name in stack and name in _MODULES:
                # What is there tells more than either record.
                here = _version_in(folder, _MODULES[name]).partition("+")[0] or str(stack[name].release)
                finding = Finding(
                    COPIES,
                    Severity.WARNING,
                    f"{name} has {len(versions)} records in {folder} ({', '.join(sorted(versions))}); "
                    f"{here} is the one that is there",
                    "an update was interrupted, or two installers were at work: install it anew",
                    packages=(name,),
                )
                if name == "pillow" and _torn(folder / "PIL", here):
                    finding = finding._replace(
                        code="pillow",
                        severity=Severity.ERROR,
                        message=f"pillow's modules are those of {here}, its compiled part is of another release: its "
                        f"import stops ({len(versions)} records in {folder}: {', '.join(sorted(versions))})",
                    )
                yield Trouble(finding, reinstall=(f"{name}=={here}",))


def _torn(folder: Path, version: str) -> bool:
    """Whether pillow's compiled part is of another release, which it refuses to be imported with: it carries its
    version as text. False where there is none to read."""
    try:
        library = next(folder.glob("_imaging.*so"), None)
        data = library.read_bytes() if library else b""
    except OSError:
        return False
    return bool(data) and version.encode() + b"\0" not in data


def of_other_python(interpreter: Interpreter) -> Iterator[Trouble]:
    """Compiled code for another Python. conda makes environments of one Python only."""
    python = interpreter.python.value
    foreign = foreign_wheels(interpreter.site_packages, python) if python and interpreter.installer != "conda" else ()
    if not foreign or python is None:
        return
    first, *others = sorted(foreign, key=lambda one: _TWICE.index(one.name) if one.name in _TWICE else len(_TWICE))
    more = (
        f", and so {'were' if len(others) > 1 else 'was'} {', '.join(one.name for one in others[:4])}" if others else ""
    )
    more += f" and {len(others) - 4} more" if len(others) > 4 else ""
    yield Trouble(
        Finding(
            "python-unsupported",
            Severity.ERROR,
            f"{first.name} {first.version} was installed for {first.made_for}, this is Python {python}{more}: "
            "what is compiled for another Python cannot be imported",
            "the environment was copied, or its Python was replaced: install them anew",
            packages=tuple(one.name for one in (first, *others)),
        ),
        renew=tuple(f"{one.name}=={one.version}" for one in foreign),
    )


def without(environ: Mapping[str, str], name: str, folders: set[Path]) -> str:
    """The command that takes folders out of a path variable."""
    kept = [place for place in environ.get(name, "").split(os.pathsep) if place and Path(place) not in folders]
    return f"export {name}={shlex.quote(os.pathsep.join(kept))}" if kept else f"unset {name}"


def dist_infos(folder: Path) -> list[str]:
    """The names of the records in a folder, sorted; empty where it cannot be read."""
    try:
        return sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(".dist-info"))
    except OSError:
        return []
