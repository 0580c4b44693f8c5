"""What a file says of a stack: entries as they stand there, and the stack that they make for one target."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from compatmatrix.model.cuda import Cuda
from compatmatrix.model.finding import Place
from compatmatrix.model.stack import Pin, Stack, local_flavour
from compatmatrix.model.target import Target, applies


class Entry(NamedTuple):
    """One requirement or locked package as it stands in a file.

    name: normalised. specifier: PEP 440, empty for any version. flavour: the build that the index bound to it has
    ("cu126"), None where nothing says so. only: that index is the only one asked. conda: a conda package, not a wheel.
    opaque: what build it is cannot be told. channel: the one conda channel that it can come from, empty where there are
    several. tags: of the wheel, where the file names one ("cp310-cp310-linux_x86_64").
    """

    name: str
    specifier: str
    place: Place
    marker: str = ""
    flavour: str | None = None
    only: bool = False
    conda: bool = False
    opaque: bool = False
    channel: str = ""
    tags: tuple[str, ...] = ()

    @property
    def pythons(self) -> frozenset[str]:
        """The minors that the wheel's tags name ("3.10"); empty for a wheel of any, and where there is none."""
        found = (re.match(r"cp(\d)(\d+)-(?!abi3|none)", tag) for tag in self.tags)
        return frozenset(f"{match[1]}.{match[2]}" for match in found if match)

    @property
    def exact(self) -> Version | None:
        """The version that it pins, None for a range."""
        for operator, text in _clauses(self.specifier):
            if operator in ("==", "===") and not text.endswith(".*"):
                try:
                    return Version(text)
                except InvalidVersion:
                    return None
        return None


def _clauses(specifier: str) -> Iterator[tuple[str, str]]:
    for clause in specifier.split(","):
        text = clause.strip()
        version = text.lstrip("=<>!~")
        yield text[: len(text) - len(version)], version.strip()


class BaseImage(NamedTuple):
    """What a container is built on. cuda: of the image where its tag tells. requires: the image itself asks the
    container runtime for that CUDA (NVIDIA_REQUIRE_CUDA), and the file does not switch that off. musl: no glibc.
    torch: the release that it brings, with its torchvision and torchaudio; empty where its tag names none."""

    name: str
    tag: str
    cuda: Cuda | None
    place: Place
    requires: bool = False
    musl: bool = False
    torch: str = ""


class Section(NamedTuple):
    """A part of a file that is installed by itself: an extra, a group, a stage; name is empty for the whole.

    python: a specifier. platform: as in Host, or "linux-" where only the system is known. cuda: of conda's packages or
    of the base image, where something names it. at_once: one run of pip installs all entries. idle: addresses named as
    pages of links that have none.
    """

    name: str
    entries: tuple[Entry, ...]
    python: str = ""
    platform: str = ""
    image: BaseImage | None = None
    cuda: Cuda | None = None
    cuda_place: Place | None = None
    at_once: bool = False
    idle: tuple[tuple[str, Place], ...] = ()


class Manifest(NamedTuple):
    """A file as read, for no machine in particular."""

    path: Path
    sections: tuple[Section, ...]

    @property
    def stack(self) -> Stack:
        """The exact pins of all sections where neither Python nor platform is known."""
        parts = [part for section in self.sections for part in settle(section, Target())]
        return Stack({pin.name: pin for part in reversed(parts) for pin in part.stack.values()}.values())

    @property
    def places(self) -> Mapping[str, Place]:
        """Where each package is first named."""
        return {entry.name: entry.place for section in reversed(self.sections) for entry in reversed(section.entries)}

    def place_of(self, packages: tuple[str, ...]) -> Place | None:
        """The line of the first of these packages that the file names."""
        places = self.places
        return next((places[name] for name in packages if name in places), None)


class Part(NamedTuple):
    """A section for one target. ranges: packages that are named and not pinned, with their specifiers. only: those
    whose build comes from the only index asked. conda: names of conda packages. opaque: of which it is not known what
    build they are."""

    section: Section
    stack: Stack
    ranges: Mapping[str, SpecifierSet]
    places: Mapping[str, Place]
    only: frozenset[str]
    conda: frozenset[str]
    opaque: frozenset[str]

    def place_of(self, packages: Iterable[str]) -> Place | None:
        """The line of the first of these packages that the section names."""
        return next((self.places[name] for name in packages if name in self.places), None)


def settle(section: Section, target: Target) -> tuple[Part, ...]:
    """The stacks that a section makes. Entries whose marker does not hold are left out; where markers that cannot be
    decided leave several versions of one package, there is one stack for each build flavour of torch."""
    candidates: dict[str, list[Entry]] = {}
    for entry in section.entries:
        if applies(entry.marker, target) is not False:
            candidates.setdefault(entry.name, []).append(entry)
    open_names = {name for name, entries in candidates.items() if _undecided(entries, target)}
    if "torch" not in open_names:
        return (_part(section, {n: e for n, e in candidates.items() if n not in open_names}),)
    parts = []
    for flavour in dict.fromkeys(map(_flavour, candidates["torch"])):
        chosen = {}
        for name, entries in candidates.items():
            fitting = [entry for entry in entries if _flavour(entry) == flavour] if name in open_names else entries
            if name not in open_names or len({entry.specifier for entry in fitting}) == 1:
                chosen[name] = fitting
        parts.append(_part(section, chosen))
    return tuple(parts)


def _undecided(entries: list[Entry], target: Target) -> bool:
    doubtful = any(applies(entry.marker, target) is None for entry in entries)
    return doubtful and len({(entry.specifier, entry.flavour) for entry in entries}) > 1


def _flavour(entry: Entry) -> str | None:
    exact = entry.exact
    return (local_flavour(exact) if exact else None) or entry.flavour


def _part(section: Section, chosen: Mapping[str, list[Entry]]) -> Part:
    pins: list[Pin] = []
    ranges: dict[str, SpecifierSet] = {}
    places: dict[str, Place] = {}
    only, conda, opaque = set(), set(), set()
    for name, entries in chosen.items():
        entry = next((entry for entry in entries if entry.exact), entries[0])
        places[name] = entry.place
        if entry.only:
            only.add(name)
        if entry.conda:
            conda.add(name)
        if entry.opaque:
            opaque.add(name)
        exact = entry.exact
        if exact:
            pins.append(Pin(name, exact, _flavour(entry), f"{entry.place.file}:{entry.place.line}"))
            continue
        try:
            ranges[name] = SpecifierSet(",".join(e.specifier for e in entries if e.specifier))
        except InvalidSpecifier:
            continue
    return Part(section, Stack(pins), ranges, places, frozenset(only), frozenset(conda), frozenset(opaque))
