"""requirements.txt and constraints files: requirements with their lines, includes followed, index lines heeded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from compatmatrix.errors import BadInput
from compatmatrix.manifests.format import Format
from compatmatrix.manifests.index_urls import BUILT, Asked, asked_in, build_of
from compatmatrix.manifests.manifest import Entry, Manifest, Section
from compatmatrix.manifests.source import read_text
from compatmatrix.model.finding import Place

_INCLUDE = re.compile(r"(?:-r|-c|--requirement|--constraint)[ =]?\s*(.+)$")
_COMMENT = re.compile(r"(^|\s+)#.*$")
# A direct reference or a path: it names a file and no version.
_ELSEWHERE = re.compile(r"[a-z+]+://|\.{0,2}/|[^ ]+\.(whl|tar\.gz|zip)$|[\w.-]+/[^ ]*$")

# What people name requirements.txt, and pip does not read.
_OTHERS = (
    (
        re.compile(r"[\w.-]+=[\w.*]+(=[\w.]+)?"),
        "a list for conda: conda env export > environment.yml",
    ),
    (re.compile(r"[\w.-]+[=<>~!]=[\w.+*]+(\s+-?[\w./:-]+([=<>~!]=[\w.+*]+)?)+"), "pip takes one requirement a line"),
)


class Line(NamedTuple):
    """A logical line: comments gone, continuations joined. number: of its first physical line."""

    file: Path
    number: int
    text: str


def read(path: Path, text: str) -> Manifest:
    """Read a requirements or constraints file with its -r and -c includes.

    Raises BadInput with file and line for everything that cannot be read, all at once.
    """
    lines = list(_lines(path, text, ()))
    problems: list[str] = []
    found: list[tuple[Requirement | Entry, Place]] = []
    asked, hint = Asked(), ""
    idle: list[tuple[str, Place]] = []
    for file, number, line in lines:
        if line.startswith("-"):
            more = asked_in(line)
            asked = asked.and_then(more)
            idle += [(url, Place(str(file), number)) for url in more.without_wheels]
        else:
            place = Place(str(file), number)
            try:
                requirement = entry_of_wheel(line, place) or parse_requirement(line)
            except InvalidRequirement as error:
                problems.append(f"{file}:{number}: {line[:80]!r}: {str(error).splitlines()[0]}")
                hint = hint or next((words for form, words in _OTHERS if form.fullmatch(line)), "")
                continue
            if requirement:
                found.append((requirement, place))
    if problems:
        raise BadInput(problems, hint=hint)
    flavour, only = asked.build
    entries = tuple(one if isinstance(one, Entry) else entry_of(one, place, flavour, only) for one, place in found)
    return Manifest(path, (Section("", entries, _python_of(entries), at_once=True, idle=tuple(idle)),))


def _python_of(entries: Sequence[Entry]) -> str:
    """The one Python that the tags of wheels leave: "==3.10.*"; empty where they leave more or contradict."""
    found = {minor for entry in entries if not entry.marker for minor in entry.pythons}
    return f"=={found.pop()}.*" if len(found) == 1 else ""


def read_requirements(path: Path) -> Manifest:
    """`read` for a file by its path."""
    return read(path, read_text(path))


def parse_requirement(line: str) -> Requirement | None:
    """The requirement on a logical line, its options left out; None for a path or an address.

    Raises InvalidRequirement.
    """
    text = re.split(r"\s--", line, maxsplit=1)[0].strip()
    if _ELSEWHERE.match(text):
        return None
    requirement = Requirement(text)
    return None if requirement.url else requirement


def entry_of_wheel(line: str, place: Place) -> Entry | None:
    """A wheel named by its address or path, with the version, build and tags of its file name; None for other lines.

    Somebody may have compiled it: opaque, where neither its version nor the folder that it lies in names a build."""
    text = re.split(r"\s--", line, maxsplit=1)[0]
    if ".whl" not in text:
        return None
    address, _, marker = text.partition(" ;") if "://" in text else text.partition(";")
    if "://" not in address and "@" not in address and re.search(r"\s", address.strip()):
        return None
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    folder, _, file = unquote(re.split(r"[?#]", address.strip(), maxsplit=1)[0]).replace("\\", "/").rpartition("/")
    try:
        name, version, _, tags = parse_wheel_filename(file.rpartition("@")[2].strip())
        condition = str(Requirement(f"{name} ;{marker}").marker) if marker.strip() else ""
    except (InvalidWheelFilename, InvalidRequirement):
        return None
    flavour = build_of(f"/{version.local}") or (build_of(folder) if version.local is None else None)
    built = name in BUILT
    return Entry(
        name,
        f"=={version}",
        place,
        condition,
        flavour if built else None,
        opaque=built and flavour is None,
        tags=tuple(sorted(map(str, tags))),
    )


def entry_of(requirement: Requirement, place: Place, flavour: str | None = None, only: bool = False) -> Entry:
    """A requirement as an entry; flavour and only are heeded for packages that have builds."""
    name = canonicalize_name(requirement.name)
    marker = str(requirement.marker) if requirement.marker else ""
    built = name in BUILT
    return Entry(name, str(requirement.specifier), place, marker, flavour if built else None, only and built)


def edit(path: Path, text: str, changes: Mapping[str, str]) -> str:
    """The text with new specifiers for the packages named; everything else stays, to the byte.

    changes: normalised name to specifier ("==2.8.0+cu126"). A line that says the same already stays as it is. Includes
    are not followed. Raises BadInput for a line with hashes: they hold for the old file only.
    """
    lines = text.splitlines(keepends=True)
    for number, line in logical_lines(text):
        try:
            requirement = None if line.startswith("-") else parse_requirement(line)
        except InvalidRequirement:
            continue
        wanted = changes.get(canonicalize_name(requirement.name)) if requirement else None
        if requirement is None or wanted is None or same_specifier(str(requirement.specifier), wanted):
            continue
        if "--hash" in line:
            raise BadInput(
                f"{path}:{number}: {requirement.name} is locked with hashes, which hold for one version only",
                hint="make the lock anew: compatmatrix lock",
            )
        if re.search(r"[<>=!~]\s*\\\s*$", lines[number - 1]):
            raise BadInput(
                f"{path}:{number}: the version of {requirement.name} stands on the next line: change it by hand"
            )
        lines[number - 1] = replace_specifier(lines[number - 1], wanted)
    return "".join(lines)


def same_specifier(old: str, new: str) -> bool:
    """Whether two specifiers say the same."""
    try:
        return SpecifierSet(old) == SpecifierSet(new)
    except InvalidSpecifier:
        return old == new


def replace_specifier(text: str, specifier: str) -> str:
    """A requirement ("torch [extra] >= 2 ; marker  # why") with another specifier; the rest stays."""
    clause = r"[<>=!~]{1,3}\s*[^\s;#,()\\]+"
    clauses = rf"{clause}(?:\s*,\s*{clause})*"
    name = r"\s*[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\])?"
    match = re.match(rf"({name})(\s*)(\(\s*{clauses}\s*\)|{clauses})?(.*)$", text, re.DOTALL)
    if not match:
        return text
    head, gap, old, rest = match.groups()
    return (
        f"{head}{gap}{specifier}{rest}" if old else f"{head.rstrip()}{specifier}{head[len(head.rstrip()) :]}{gap}{rest}"
    )


def _lines(path: Path, text: str, above: tuple[Path, ...]) -> Iterator[Line]:
    """Logical lines, includes followed. Raises BadInput for a cycle, and for a missing file at the line that asks."""
    chain = (*above, path)
    if path.resolve() in {file.resolve() for file in above}:
        raise BadInput(f"{path}: includes itself: {' -> '.join(map(str, chain))}")
    for line in (Line(path, number, content) for number, content in logical_lines(text)):
        include = _INCLUDE.match(line.text)
        if not include:
            yield line
            continue
        other = path.parent / include[1].strip().strip("'\"")
        if re.match(r"[a-z+]+://", include[1]):
            continue
        if not other.is_file():
            raise BadInput(f"{path}:{line.number}: {other}: No such file")
        yield from _lines(other, read_text(other), chain)


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their first number; continued ones joined, comments and blanks left out.

    Source: pip, `_internal/req/req_file.py`, join_lines and ignore_comments. A line of comment is never continued and
    ends a continuation; a backslash behind a comment at the end of a line joins the next line to that comment.
    """
    start, joined = 0, ""
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        start = start or number
        comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not comment:
            joined += line.strip("\\")
            continue
        whole = _COMMENT.sub("", f"{joined} {line}" if comment else joined + line).strip()
        if whole:
            yield start, whole
        start, joined = 0, ""


FORMAT = Format("requirements", read, edit)
