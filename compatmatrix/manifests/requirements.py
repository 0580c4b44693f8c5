"""requirements.txt and constraints files: the exact pins in them, with their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from compatmatrix.errors import BadInput
from compatmatrix.model.finding import Place
from compatmatrix.model.stack import Pin, Stack, local_flavour

MAX_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class Manifest:
    """A file's exact pins as a stack. places: where each stands."""

    path: Path
    stack: Stack
    places: Mapping[str, Place]

    def place_of(self, packages: tuple[str, ...]) -> Place | None:
        """The line of the first of these packages that the file names."""
        return next((self.places[name] for name in packages if name in self.places), None)


def read_requirements(path: Path) -> Manifest:
    """Read a requirements or constraints file with its -r and -c includes.

    Only exact pins become part of the stack; a range says nothing about what will be installed. Raises BadInput
    with file and line for everything that cannot be read.
    """
    if path.suffix not in (".txt", ".in", ".pip"):
        raise BadInput(
            f"{path}: cannot read this kind of file yet, only requirements files (.txt, .in)",
            hint="check the environment that it was installed into: compatmatrix check --python PATH",
        )
    pins: dict[str, Pin] = {}
    places: dict[str, Place] = {}
    problems: list[str] = []
    for file, number, line in _lines(path, ()):
        try:
            pin = _pin(line, file, number)
        except InvalidRequirement as error:
            problems.append(f"{file}:{number}: {str(error).splitlines()[0]}")
            continue
        if pin:
            pins.setdefault(pin.name, pin)
            places.setdefault(pin.name, Place(str(file), number))
    if problems:
        raise BadInput(problems)
    return Manifest(path, Stack(pins.values()), places)


def _lines(path: Path, above: tuple[Path, ...]) -> Iterator[tuple[Path, int, str]]:
    """Logical lines: comments gone, continuations joined, includes followed."""
    chain = (*above, path)
    if path.resolve() in {file.resolve() for file in above}:
        raise BadInput(f"{path}: includes itself: {' -> '.join(map(str, chain))}")
    number, joined = 0, ""
    for count, raw in enumerate(_read(path).splitlines(), start=1):
        number = number or count
        if raw.rstrip().endswith("\\"):
            joined += raw.rstrip()[:-1] + " "
            continue
        line = re.sub(r"(^|\s)#.*$", "", joined + raw).strip()
        start, number, joined = number, 0, ""
        include = re.match(r"(?:-r|-c|--requirement|--constraint)[ =]?\s*(\S+)$", line)
        if include:
            yield from _lines(path.parent / include[1], chain)
        elif line and not line.startswith("-"):
            yield path, start, line


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from error
    if len(raw) > MAX_BYTES:
        raise BadInput(f"{path}: larger than {MAX_BYTES} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{path}:{line}: not UTF-8") from error


def _pin(line: str, file: Path, number: int) -> Pin | None:
    text = re.split(r"\s--", line, maxsplit=1)[0].strip()
    if re.match(r"[a-z+]+://|\.{0,2}/|[^ ]+\.(whl|tar\.gz|zip)$", text):
        return None
    requirement = Requirement(text)
    for spec in requirement.specifier:
        if spec.operator == "==" and not spec.version.endswith(".*"):
            version = Version(spec.version)
            name = canonicalize_name(requirement.name)
            return Pin(name, version, local_flavour(version), f"{file}:{number}")
    return None
