"""The installed distributions of an environment, read from folder names; nothing is imported, little is opened.

For torch, torchvision and torchaudio the version that an import would give counts more than the metadata: it is
read as text from `<package>/version.py`. There the local part names the build ("2.13.0+cu130"), also in PyPI's
wheels, whose metadata does not. Without a local part (conda, macOS) torch's own `cuda = "12.6"` names it, and for
its partners conda's build string does; otherwise the flavour is not known.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from packaging.version import InvalidVersion, Version

from compatmatrix.model.cuda import Cuda
from compatmatrix.model.stack import Pin, Stack, public

_FAMILY = ("torch", "torchvision", "torchaudio")
_CONDA = {"pytorch": "torch"}
"""What PyPI calls the packages that conda names otherwise; the others are called the same."""
_ENOUGH = 1 << 16
"""Bytes read of any one file."""


class Installed(NamedTuple):
    """What is installed.

    stack: by import order, the first of several copies. conda: what conda's own records say, under PyPI's names;
    empty outside conda. notes: contradictions and things that could not be read.
    """

    stack: Stack
    conda: Stack
    notes: tuple[str, ...] = ()


def installed_stack(site_packages: Sequence[Path], *, prefix: Path | None = None) -> Installed:
    """Read the distributions in these folders, first on the import path first. Never raises.

    prefix: the environment's folder, where conda keeps its records.
    """
    notes: list[str] = []
    pins: dict[str, Pin] = {}
    for folder in site_packages:
        for name, pin in _scan(folder, notes).items():
            first = pins.setdefault(name, pin)
            if name in _FAMILY and first is not pin and first.version != pin.version:
                notes.append(
                    f"{name} is installed twice: {first.version}, imported first, and {pin.version} in {folder}"
                )
    conda = _conda_records(prefix / "conda-meta", notes) if prefix else {}
    for name in _FAMILY:
        seen = _imported(name, site_packages, pins.get(name), notes)
        if seen is None:
            continue
        record = conda.get(name)
        if record and public(record.version) != seen.release:
            notes.append(f"conda's records say {name} {record.version}, but {seen.version} is imported ({seen.origin})")
        elif record and seen.flavour is None:
            seen = seen._replace(flavour=record.flavour)
        pins[name] = seen
    return Installed(Stack(pins.values()), Stack(conda.values()), tuple(dict.fromkeys(notes)))


def parse_version_py(text: str) -> tuple[Version | None, str | None]:
    """The version and the build flavour in a `version.py` of the torch family; None for what it does not state.

    torch states `cuda` and `hip` too: both None is a CPU build.
    """
    values = dict(re.findall(r"^(__version__|cuda|hip|xpu)\b[^=\n]{0,80}=[ \t]*(.{1,200}?)[ \t]*(?:#.*)?$", text, re.M))
    version = _version(_string(values.get("__version__", "")) or "")
    flavour = flavour_of(version) if version else None
    if flavour or "cuda" not in values:
        return version, flavour
    cuda, hip, xpu = (_string(values.get(name, "None")) for name in ("cuda", "hip", "xpu"))
    if cuda:
        try:
            flavour = Cuda.parse(cuda).tag
        except ValueError:
            flavour = None
    elif hip:
        flavour = "rocm" + ".".join(hip.split(".")[:2])
    elif xpu:
        flavour = "xpu"
    elif values["cuda"] == "None" and values.get("hip", "None") == "None":
        flavour = "cpu"
    return version, flavour


def flavour_of(version: Version) -> str | None:
    """The build in a local part: "cu117" for 2.0.1+cu117.with.pypi.cudnn; None for a commit ("+gita1b2c3")."""
    match = re.match(r"(cpu|xpu|cu[0-9]{2,4}|rocm[0-9]+(?:\.[0-9]+)*)(?![a-z0-9])", version.local or "")
    return match[1] if match else None


def _scan(folder: Path, notes: list[str]) -> dict[str, Pin]:
    found: dict[str, Pin] = {}
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except OSError as error:
        notes.append(f"{folder} cannot be read ({error.strerror or error})")
        return found
    for entry in sorted(names):
        if not entry.endswith((".dist-info", ".egg-info")):
            continue
        if entry.startswith(("~", "-", ".")):
            notes.append(f"left over from a broken removal: {folder / entry}")
            continue
        pin = _pin(folder, entry)
        if pin is None:
            notes.append(f"no name or version can be read from {folder / entry}")
            continue
        twin = found.get(pin.name)
        if twin and twin.version != pin.version:
            notes.append(f"{pin.name} has two records in {folder}: {twin.version} and {pin.version}")
        if twin is None or twin.version < pin.version:
            found[pin.name] = pin
    return found


def _pin(folder: Path, entry: str) -> Pin | None:
    stem = entry[:-10]
    if entry.endswith(".dist-info"):
        name, _, text = stem.rpartition("-")
    else:
        # Old form: name-version-py3.8[-platform].egg-info; "pip install -e" may leave name.egg-info.
        name, _, text = re.sub(r"-py[23](?:\.[0-9]+)?(?:-.*)?$", "", stem).rpartition("-")
    version = _version(text)
    if not name or version is None:
        name, version = _metadata(folder / entry)
    if not name or version is None:
        return None
    normal = name.lower().replace("_", "-").replace(".", "-")
    if "--" in normal:
        normal = re.sub(r"-+", "-", normal)
    return Pin(normal, version, flavour_of(version) if version.local and normal in _FAMILY else None, entry)


def _metadata(path: Path) -> tuple[str, Version | None]:
    for file in (path / "METADATA", path / "PKG-INFO", path):
        text = _text(file)
        if text is not None:
            head = text.split("\n\n", 1)[0]
            name = re.search(r"^Name:[ \t]*([A-Za-z0-9][A-Za-z0-9._-]{0,200})[ \t\r]*$", head, re.M)
            version = re.search(r"^Version:[ \t]*(\S{1,100})[ \t\r]*$", head, re.M)
            return (name[1] if name else ""), _version(version[1] if version else "")
    return "", None


def _imported(name: str, site_packages: Iterable[Path], pin: Pin | None, notes: list[str]) -> Pin | None:
    """The copy that an import would take: the first folder that holds it."""
    for folder in site_packages:
        text = _text(folder / name / "version.py")
        if text is None:
            continue
        version, flavour = parse_version_py(text)
        origin = f"{name}/version.py"
        if version is None:
            notes.append(f"{folder / origin} states no version")
            return pin._replace(flavour=pin.flavour or flavour) if pin else None
        if pin is None:
            notes.append(f"{name} {version} has no metadata: pip does not know it")
        elif pin.release != public(version) or (pin.version.local and pin.version != version):
            notes.append(f"{name} imports as {version} ({folder / origin}), but its metadata says {pin.version}")
        return Pin(name, version, flavour, origin)
    if pin:
        notes.append(f"{name} {pin.version} is recorded as installed, but {name}/version.py is not there")
    return pin


def _conda_records(folder: Path, notes: list[str]) -> dict[str, Pin]:
    """conda's records: name-version-build.json."""
    found: dict[str, Pin] = {}
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except (FileNotFoundError, NotADirectoryError):
        return found
    except OSError as error:
        notes.append(f"{folder} cannot be read ({error.strerror or error})")
        return found
    for entry in names:
        parts = entry.removesuffix(".json").rsplit("-", 2)
        version = _version(parts[1]) if len(parts) == 3 and not parts[0].startswith("_") else None
        if version:
            name = _CONDA.get(parts[0], parts[0])
            found[name] = Pin(
                name, version, _conda_flavour(parts[2]) if name in _FAMILY else None, f"conda-meta/{entry}"
            )
    return found


def _conda_flavour(build: str) -> str | None:
    """ "py310_cu121", "cuda126_mkl_py310_h1_300", "py3.10_cuda12.1_cudnn8.9_0", "cpu_mkl_py310_h1_0"."""
    match = re.search(r"(?:^|_)cu(?:da)?_?([0-9]{2,3})(?=_|$)|(?:^|_)cuda([0-9]+\.[0-9]+)(?=_|$)", build)
    if match:
        return f"cu{match[1] or match[2].replace('.', '')}"
    return "cpu" if re.search(r"(?:^|_)cpu(?:_|$)", build) else None


def _text(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(_ENOUGH).decode("utf-8", "replace")
    except (OSError, ValueError):
        return None


def _string(text: str) -> str | None:
    match = re.fullmatch(r"""(['"])(.*)\1""", text.strip())
    return match[2] if match else None


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
