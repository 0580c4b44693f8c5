"""setuptools' setup.cfg: install_requires and the extras, each a requirement a line.

Source of the notation: setuptools.pypa.io, "Configuring setuptools using setup.cfg files".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import InvalidRequirement
from packaging.utils import canonicalize_name

from compatmatrix.errors import BadInput
from compatmatrix.manifests.format import Format
from compatmatrix.manifests.manifest import Entry, Manifest, Section
from compatmatrix.manifests.requirements import entry_of, parse_requirement, replace_specifier, same_specifier
from compatmatrix.model.finding import Place


class _Value(NamedTuple):
    """One line of a value. text: without what stands before it."""

    number: int
    section: str
    key: str
    text: str


def _values(text: str) -> Iterator[_Value]:
    """The values as configparser reads them: further lines are indented, a comment has a line of its own."""
    section = key = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith(("#", ";")):
            continue
        if header := re.match(r"\[([^\]]+)\]", line):
            section, key = header[1].strip(), ""
        elif line[0].isspace() and key:
            yield _Value(number, section, key, line.strip())
        elif given := re.match(r"([^=:\s][^=:]*?)\s*[=:]\s*(.*)$", line):
            key = given[1]
            if given[2].strip():
                yield _Value(number, section, key, given[2].strip())


def _requirements(text: str) -> Iterator[tuple[str, _Value]]:
    """Each line with a requirement, with the extra that it is of; empty for all."""
    for value in _values(text):
        if (value.section, value.key) == ("options", "install_requires"):
            yield "", value
        elif value.section == "options.extras_require":
            yield value.key, value


def read(path: Path, text: str) -> Manifest:
    """install_requires as one section, and each extra with it as another. Raises BadInput with file and line."""
    found: dict[str, list[Entry]] = {"": []}
    problems = []
    for extra, value in _requirements(text):
        try:
            requirement = None if value.text.startswith(("file:", "%")) else parse_requirement(value.text)
        except InvalidRequirement as error:
            problems.append(f"{path}:{value.number}: {str(error).splitlines()[0]}")
            continue
        if requirement:
            found.setdefault(extra, []).append(entry_of(requirement, Place(str(path), value.number)))
    if problems:
        raise BadInput(problems)
    asked = (value.text for value in _values(text) if (value.section, value.key) == ("options", "python_requires"))
    python = next(asked, "")
    base = tuple(found.pop(""))
    extras = (Section(f"extra {name}", (*base, *entries), python) for name, entries in found.items())
    return Manifest(path, (Section("", base, python), *extras))


def edit(path: Path, text: str, changes: Mapping[str, str]) -> str:
    """The text with new specifiers; every other byte stays."""
    lines = text.splitlines(keepends=True)
    for _, value in _requirements(text):
        try:
            requirement = parse_requirement(value.text)
        except InvalidRequirement:
            continue
        wanted = changes.get(canonicalize_name(requirement.name)) if requirement else None
        if requirement and wanted and not same_specifier(str(requirement.specifier), wanted):
            new = replace_specifier(value.text, wanted)
            before, _, after = lines[value.number - 1].rpartition(value.text)
            lines[value.number - 1] = f"{before}{new}{after}"
    return "".join(lines)


FORMAT = Format("setup.cfg", read, edit)
