"""conda's side of an environment: the program that changes it, its packages' channels, what the user asked for.

Sources: the records that conda keeps below conda-meta (name-version-build.json, keys "channel" and "files"), the file
`history` beside them (its lines "# update specs: [...]"), and CONDA_EXE and MAMBA_EXE, which the activation scripts of
conda and mamba set.
"""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.stack import Stack
from compatmatrix.probe.files import exists, is_file
from compatmatrix.probe.trouble import TORCH_FAMILY

PROGRAMS = ("conda", "mamba", "micromamba")
"""Each takes the same words for what is asked of it here."""
_ENOUGH = 64 * 1024 * 1024


def conda_program(environ: Mapping[str, str] | None = None) -> Path | None:
    """conda, else mamba, else micromamba: on PATH, else as the activation names it; None where there is none."""
    environ = os.environ if environ is None else environ
    folders = [Path(place) for place in environ.get("PATH", os.defpath).split(os.pathsep) if place]
    places = [folder / name for name in PROGRAMS for folder in folders]
    places += [Path(environ[name]) for name in ("CONDA_EXE", "MAMBA_EXE") if environ.get(name)]
    return next((place for place in places if is_file(place) and os.access(place, os.X_OK)), None)


def records_of(prefix: Path) -> dict[str, str]:
    """The files of conda's records by conda's names for packages; empty where there are none."""
    try:
        entries = sorted(entry.name for entry in os.scandir(prefix / "conda-meta") if entry.name.endswith(".json"))
    except OSError:
        return {}
    return {entry.rsplit("-", 2)[0]: entry for entry in entries}


def channels_of(prefix: Path, names: Collection[str] | None = None) -> tuple[str, ...]:
    """The channels that packages came from, by conda's names for packages; each once, sorted; those that tell none
    are left out. names: None for all packages."""
    found = set()
    for name, entry in records_of(prefix).items():
        if names is None or name in names:
            channel = _channel(prefix / "conda-meta" / entry)
            found |= {channel} if channel else set()
    return tuple(sorted(found))


def asked_for(prefix: Path) -> frozenset[str]:
    """conda's names for the packages that the user asked for by name, in commands or in an environment.yml."""
    try:
        with (prefix / "conda-meta" / "history").open("rb") as file:
            text = file.read(_ENOUGH).decode("utf-8", "replace")
    except OSError:
        return frozenset()
    names: set[str] = set()
    for verb, specs in re.findall(r"^# (\w+) specs: *(.*)$", text, re.M):
        found = {match[1].lower() for spec in _specs(specs) if (match := re.match(r"(?:\S*::)?([\w.-]+)", spec))}
        names = names - found if verb == "remove" else names | found
    return frozenset(names)


def _specs(text: str) -> list[str]:
    """A list as Python writes it; the oldest write the specs bare, with commas between them."""
    try:
        specs = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text.split(", ")
    return [str(spec) for spec in specs] if isinstance(specs, list) else []


def covered(prefix: Path, names: Collection[str]) -> frozenset[str]:
    """Those of conda's packages, by its names, whose metadata for Python is gone: another installer put its own copy
    in the place of theirs."""
    found = set()
    for name, entry in records_of(prefix).items():
        files = _record(prefix / "conda-meta" / entry).get("files") if name in names else None
        for file in files if isinstance(files, list) else ():
            if str(file).endswith((".dist-info/METADATA", ".egg-info/PKG-INFO", ".egg-info")):
                found |= set() if exists(prefix / str(file)) else {name}
    return frozenset(found)


def torn_family(stack: Stack, conda: Collection[str]) -> Iterator[Finding]:
    """Partners of torch that came from pip where torch came from conda, or the other way round.

    conda: what it installed. Their compiled parts are made for the torch of their own source.
    """
    if "torch" not in stack or not conda:
        return
    for name in TORCH_FAMILY[1:]:
        if name in stack and (name in conda) != ("torch" in conda):
            one, other = ("conda", "pip") if "torch" in conda else ("pip", "conda")
            yield Finding(
                "conda-mixed",
                Severity.WARNING,
                f"torch comes from {one} and {name} from {other}: {name} was compiled for the other's torch",
                f"take both from {one}",
                packages=("torch", name),
            )


def _record(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = json.loads(file.read(_ENOUGH))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _channel(record: Path) -> str:
    """The name or the address of the channel, without the platform's folder at its end."""
    channel = _record(record).get("channel")
    if not isinstance(channel, str) or channel.startswith("-"):
        return ""
    parts = channel.rstrip("/").split("/")
    if parts[-1] == "noarch" or parts[-1].startswith(("linux-", "win-", "osx-")):
        parts.pop()
    base = "/".join(parts)
    return base.removeprefix("https://conda.anaconda.org/")
