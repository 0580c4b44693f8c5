"""What the user's own files ask to be locked with the stack: requirements files, pyproject.toml and its groups."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from compatmatrix.errors import BadInput, UsageError
from compatmatrix.manifests.requirements import logical_lines
from compatmatrix.manifests.source import read_text
from compatmatrix.manifests.toml_lines import Lines, load, table
from compatmatrix.model.host import Host
from compatmatrix.model.target import Target, applies
from compatmatrix.resolve.question import CORE

_INCLUDE = re.compile(r"(-r|-c|--requirement|--constraint)(?:\s+|=|(?=\S))(.+)$")
_ELSEWHERE = re.compile(r"(-e|--editable)\b|[a-z+]+://|\.{0,2}/|[^ ]+\.(whl|tar\.gz|zip)$")


class Wanted(NamedTuple):
    """constraints: limit what is required and require nothing. passed_over: option lines that are not heeded, with
    their place."""

    requirements: tuple[Requirement, ...] = ()
    constraints: tuple[Requirement, ...] = ()
    passed_over: tuple[str, ...] = ()


class _Reading:
    def __init__(self) -> None:
        self.requirements: list[Requirement] = []
        self.constraints: list[Requirement] = []
        self.passed_over: list[str] = []
        self.problems: list[str] = []

    def requirement(self, text: str, where: str, into: list[Requirement]) -> None:
        if _ELSEWHERE.match(text):
            self.problems.append(f"{where}: {text.split()[0]}: a path or an address cannot be locked with hashes")
            return
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            self.problems.append(f"{where}: {str(error).splitlines()[0]}")
            return
        if requirement.url:
            self.problems.append(f"{where}: {requirement.name}: an address cannot be locked with hashes")
            return
        into.append(requirement)

    def file(self, path: Path, chain: tuple[Path, ...], into: list[Requirement]) -> None:
        if path.resolve() in {above.resolve() for above in chain}:
            raise BadInput(f"{path}: includes itself: {' -> '.join(map(str, (*chain, path)))}")
        for number, line in logical_lines(read_text(path)):
            where = f"{path}:{number}"
            include = _INCLUDE.match(line)
            if include:
                other = path.parent / include[2].strip().strip("'\"")
                if not other.is_file():
                    self.problems.append(f"{where}: {other}: No such file")
                    continue
                limits = include[1] in ("-c", "--constraint")
                self.file(other, (*chain, path), self.constraints if limits else into)
            elif line.startswith("-") and not _ELSEWHERE.match(line):
                self.passed_over.append(f"{where}: {line.split()[0].partition('=')[0]}")
            else:
                self.requirement(re.split(r"\s--[a-z]", line, maxsplit=1)[0].strip(), where, into)


def read_inputs(paths: Sequence[Path], groups: Sequence[str] = (), extras: Sequence[str] = ()) -> Wanted:
    """Read every file. groups, extras: of the pyproject.toml files among them.

    Raises BadInput with file and line for all that cannot be read, UsageError for a group or extra that no file has.
    """
    reading = _Reading()
    known: set[str] = set()
    for path in paths:
        if path.suffix == ".toml":
            known |= _pyproject(reading, path, groups, extras)
        else:
            reading.file(path, (), reading.requirements)
    if reading.problems:
        raise BadInput(
            reading.problems, hint="what has no place on an index can be installed after the lock, without dependencies"
        )
    asked = [*(f"--group {name}" for name in groups), *(f"--extra {name}" for name in extras)]
    missing = [name for name in asked if name not in known]
    if missing:
        offered = ", ".join(sorted(known))
        raise UsageError(
            f"no pyproject.toml given with -r has {', '.join(missing)}",
            hint=f"there is {offered}" if offered else "name the file with -r",
        )
    return Wanted(tuple(reading.requirements), tuple(reading.constraints), tuple(reading.passed_over))


def _pyproject(reading: _Reading, path: Path, groups: Sequence[str], extras: Sequence[str]) -> set[str]:
    """Read its dependencies; the groups and extras that it has, spelt as it does and as they were asked for."""
    text = read_text(path)
    data, lines = load(path, text), Lines(text)
    project, own = table(data, "project"), table(data, "dependency-groups")
    if not project and not own:
        raise BadInput(f"{path}:1: neither [project] nor [dependency-groups]", hint="write requirements in a .txt file")
    name = canonicalize_name(str(project.get("name", "")))
    optional = {canonicalize_name(key): rows for key, rows in table(project, "optional-dependencies").items()}
    offered = {
        *(f"--group {name}" for name in own),
        *(f"--extra {name}" for name in table(project, "optional-dependencies")),
    }

    def take(rows: Any, chain: tuple[str, ...] = ()) -> None:
        for row in rows if isinstance(rows, list) else [rows]:
            include = row.get("include-group") if isinstance(row, dict) else None
            if isinstance(row, str):
                where = f"{path}:{lines.string(row, 1)}"
                match = re.match(r"([\w.-]+)\s*\[([^\]]*)\]", row)
                if match and name and canonicalize_name(match[1]) == name:
                    for extra in match[2].split(","):
                        take_extra(extra.strip(), (*chain, row))
                else:
                    reading.requirement(row, where, reading.requirements)
            elif isinstance(include, str):
                take_group(include, chain)
            elif rows is not None:
                reading.problems.append(f"{path}:1: not a requirement: {row!r}")

    def take_group(group: str, chain: tuple[str, ...]) -> None:
        names = {canonicalize_name(key): rows for key, rows in own.items()}
        if group in chain:
            raise BadInput(f"{path}:1: the dependency group {group} includes itself")
        if canonicalize_name(group) not in names:
            reading.problems.append(f"{path}:1: there is no dependency group {group}")
            return
        take(names[canonicalize_name(group)], (*chain, group))

    def take_extra(extra: str, chain: tuple[str, ...]) -> None:
        if chain.count(chain[-1]) > 1:
            raise BadInput(f"{path}:1: the extra {extra} includes itself")
        take(optional.get(canonicalize_name(extra)), chain)

    take(project.get("dependencies"))
    for group in groups:
        if canonicalize_name(group) in {canonicalize_name(key) for key in own}:
            offered.add(f"--group {group}")
            take_group(group, ())
    for extra in extras:
        if canonicalize_name(extra) in optional:
            offered.add(f"--extra {extra}")
            take(optional[canonicalize_name(extra)])
    return offered


def for_host(requirements: Iterable[Requirement], host: Host) -> tuple[Requirement, ...]:
    """Those that hold on a host. What level 1 decides loses its marker; what the closure decides keeps it."""
    target = Target.of(host)
    held = []
    for requirement in requirements:
        if requirement.marker is not None and canonicalize_name(requirement.name) in CORE:
            if applies(str(requirement.marker), target) is False:
                continue
            requirement = Requirement(str(requirement).partition(";")[0])
        held.append(requirement)
    return tuple(held)
