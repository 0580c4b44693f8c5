"""Why a resolver found no set of versions: who asks for what of whom, as pip, uv, poetry, pdm and pkg_resources say it.

A dispute is a requirement that the version which somebody else insists on does not meet. Resolvers walk back through
many releases of a package; its first one, the newest, is the one that is told.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

from packaging.specifiers import InvalidSpecifier
from packaging.version import InvalidVersion, Version

from compatmatrix.matrix.rows import admits
from compatmatrix.probe.reports.seen import Seen, Trust, plain_name
from compatmatrix.probe.reports.text import Line

_SAID = re.compile(
    r"conflicting dependencies|conflict is caused by|version solving failed|is forbidden|unsatisfiable|cannot be used|"
    r"are incompatible|Unable to find a resolution|VersionConflict|ResolutionImpossible",
    re.IGNORECASE,
)
_AROUND = 80
"""Lines before and after such a word that are looked at: pip tells the releases it walked back through below it."""
_NAME = r"[A-Za-z][A-Za-z0-9._-]{0,60}"
_VERSION = r"\d[0-9A-Za-z.+!]{0,40}"
# poetry writes a pin as "(2.1.0)", pip a range as "<2.6 and >=1.10".
_SPEC = r"(?:[<>=!~]=?=?\s?)?\d[\w.*+!]{0,30}(?:(?:\s?,\s?|\sand\s)[<>=!~]=?=?\s?\d[\w.*+!]{0,30}){0,5}"
_DEPENDS = re.compile(
    rf"(?<![\w.])({_NAME})(?:\[[^\]]{{0,40}}\])?\s?(?:==|\()?\s?({_VERSION})\)? (?:which )?depends on "
    rf"({_NAME})(?:\[[^\]]{{0,40}}\])?\s?\(?({_SPEC})"
)
_USER = re.compile(
    r"(?:The user requested(?: \(constraint\))?|you require|project depends on|"
    rf"\b(?:[Bb]ecause|and) {_NAME} depends on) "
    rf"({_NAME})(?:\[[^\]]{{0,40}}\])?(?:==| \()({_VERSION})"
)
_BOTH = re.compile(rf"depends on both ({_NAME}) \(={{0,2}}([^()]{{1,60}})\) and ({_NAME}) \(={{0,2}}([^()]{{1,60}})\)")
_FROM = re.compile(rf"(?<![\w.])({_NAME})({_SPEC}) \(from (?:({_NAME})(?: |==)({_VERSION})|[\w-]+)\)")
_LOADED = re.compile(
    rf"VersionConflict: \(({_NAME}) ({_VERSION}) \([^)]{{1,200}}\), Requirement\.parse\(['\"]{_NAME}?"
    rf"((?:[<>=!~]=?=?[\w.*+!]+,?){{1,6}})['\"]\)(?:, \{{['\"]({_NAME})['\"])?"
)


class _Claim(NamedTuple):
    owner: str
    name: str
    spec: str
    line: int


def read(lines: Sequence[Line]) -> Iterator[Seen]:
    """Each dispute, once an owner and name."""
    said = [place for place, line in enumerate(lines) if _SAID.search(line.text)]
    if not said:
        return
    told = lines[max(0, said[0] - _AROUND) : said[-1] + _AROUND]  # joined: terminals wrap what uv says
    starts, text = [], ""
    for line in told:
        starts.append((len(text), line.number))
        text += line.text + " "
    claims: list[_Claim] = []
    pins: dict[str, str] = {}
    for match in _DEPENDS.finditer(text):
        claims.append(_Claim(plain_name(match[1]), plain_name(match[3]), _spec(match[4]), _line(starts, match)))
    for match in _USER.finditer(text):
        pins.setdefault(plain_name(match[1]), match[2].rstrip("."))
    for match in _BOTH.finditer(text):
        for name, version in ((match[1], match[2]), (match[3], match[4])):
            if version[0].isdigit():
                pins.setdefault(plain_name(name), version)
    for match in _FROM.finditer(text):
        spec = _spec(match[2])
        if match[3]:
            claims.append(_Claim(plain_name(match[3]), plain_name(match[1]), spec, _line(starts, match)))
        elif spec.startswith("=="):
            pins.setdefault(plain_name(match[1]), spec.lstrip("="))
    yield from _disputes(claims, pins)
    for line in told:
        loaded = _LOADED.search(line.text) if "VersionConflict" in line.text else None
        if loaded and loaded[4]:
            yield _seen(_Claim(plain_name(loaded[4]), plain_name(loaded[1]), loaded[3], line.number), loaded[2])


def _disputes(claims: Sequence[_Claim], pins: dict[str, str]) -> Iterator[Seen]:
    first: dict[tuple[str, str], _Claim] = {}
    for claim in claims:
        first.setdefault((claim.owner, claim.name), claim)
    wanted = dict(pins)
    if "torch" not in wanted:
        exact = [claim for claim in first.values() if claim.name == "torch" and claim.spec.startswith("==")]
        exact.sort(key=lambda claim: claim.owner != "torchvision")
        if exact and "*" not in exact[0].spec:
            wanted["torch"] = exact[0].spec.lstrip("=")
    for claim in first.values():
        version = wanted.get(claim.name, "")
        if version and _unmet(claim.spec, version):
            yield _seen(claim, version)


def _seen(claim: _Claim, version: str) -> Seen:
    return Seen("dispute", "|".join((claim.owner, claim.name, claim.spec, version)), claim.line, Trust.LIST)


def _spec(told: str) -> str:
    spec = re.sub(r"\s?,\s?|\sand\s", ",", told.strip(" .,")).replace(" ", "")
    return spec if spec[0] in "<>=!~" else f"=={spec}"


def _unmet(spec: str, version: str) -> bool:
    try:
        return not admits(spec, Version(version))
    except (InvalidSpecifier, InvalidVersion):
        return False


def _line(starts: Sequence[tuple[int, int]], match: re.Match[str]) -> int:
    return starts[bisect_right(starts, match.start(), key=itemgetter(0)) - 1][1]
