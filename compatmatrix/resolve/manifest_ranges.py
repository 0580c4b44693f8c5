"""Ranges that leave nothing: no choice among the releases that a file admits passes the rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from packaging.version import Version

from compatmatrix.manifests.manifest import Part
from compatmatrix.matrix.matrix import TORCH_FAMILY, Matrix
from compatmatrix.model.fact import Fact
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.host import Host
from compatmatrix.model.stack import Pin, Stack
from compatmatrix.resolve.given import intended
from compatmatrix.rules import Case, Rule, judge

_ENOUGH = 3000
"""Stacks that are looked at before the search gives up and says nothing."""

_FEW = 30
"""Releases of torch that are tried for a repair."""

_NOT_THERE = frozenset({"python-unsupported", "platform-unsupported", "glibc-too-old"})
"""Releases that this Python and host do not have anyway are no example of what is wrong with a file."""

_ASIDE: Fact[Any] = Fact.unknown("not looked at")
_NOWHERE = Host(_ASIDE, _ASIDE, _ASIDE, _ASIDE, _ASIDE)
_ORDER = (*TORCH_FAMILY, "fastai")


def closed_ranges(part: Part, case: Case, rules: Sequence[Rule]) -> Iterator[Finding]:
    """One finding where the pins alone are fine and no choice within the ranges is; nothing where that cannot be told.

    case: of the pins. A range beyond what the matrix knows is not judged.
    """
    names = [name for name in _ORDER if name in part.ranges]
    names += [name for name in _limited(case.matrix, case.stack) if name in part.ranges]
    torch = case.stack.release("torch")
    if not names or (torch is None and "torch" not in part.ranges) or (torch and torch not in case.matrix.torches):
        return
    search = _Search(part, case, rules)
    if search.succeeds(names, dict(case.stack)) or search.gave_up or search.nearest is None:
        return
    finding = search.nearest
    concerned = [name for name in names if name in finding.packages] or [name for name in names if part.ranges[name]]
    concerned = concerned or list(names)
    ranged = " and ".join(f"{name}{_as_written(part, name) or ' (any version)'}" for name in concerned)
    place = part.place_of(concerned)
    yield finding._replace(
        message=f"no choice within {ranged} works here, for example: {finding.message}",
        where=place,
        fix=(),
    )


def stacks_within(part: Part, matrix: Matrix) -> Iterator[Stack]:
    """The pins with the newest release that each range admits, once for each torch that its range admits, newest first;
    nothing where the part has no ranges. Releases are those that the matrix knows or tells apart."""
    search = _Search(part, Case.of(Stack(), _NOWHERE, matrix), ())
    found = {name: search.releases(name, {}) for name in part.ranges if name not in part.stack}
    found = {name: known for name, known in found.items() if known}
    for torch in found.get("torch", [None])[:_FEW] if found else ():
        chosen = {name: torch if name == "torch" and torch else known[0] for name, known in found.items()}
        pins = [Pin(name, release, search.flavour(name, release)) for name, release in chosen.items()]
        yield Stack([*part.stack.values(), *pins])


def _as_written(part: Part, name: str) -> str:
    return ",".join(entry.specifier for entry in part.section.entries if entry.name == name and entry.specifier)


class _Search:
    def __init__(self, part: Part, case: Case, rules: Sequence[Rule]) -> None:
        self.part, self.case, self.rules = part, case, rules
        self.judged = 0
        self.nearest: Finding | None = None
        self._rank = (-1, False, 0)

    @property
    def gave_up(self) -> bool:
        return self.judged >= _ENOUGH

    def succeeds(self, names: Sequence[str], chosen: dict[str, Pin]) -> bool:
        """Depth first; the nearest miss is kept."""
        if not names:
            return True
        name, rest = names[0], names[1:]
        releases = self.releases(name, chosen)
        if not releases:
            return self.succeeds(rest, chosen)
        for release in releases:
            if self.gave_up:
                return False
            self.judged += 1
            pins = {**chosen, name: Pin(name, release, self.flavour(name, release))}
            errors = self._errors(Stack(pins.values()))
            if not errors:
                if self.succeeds(rest, pins):
                    return True
            elif (rank := (len(pins), errors[0].code not in _NOT_THERE, -len(errors))) > self._rank:
                self.nearest, self._rank = errors[0], rank
        return False

    def _errors(self, stack: Stack) -> list[Finding]:
        case = Case.of(stack, self.case.host, self.case.matrix)
        if "torch" in self.part.conda | self.part.opaque:
            case = case._replace(build=None)
        errors = (found for found in judge(case, self.rules) if found.severity is Severity.ERROR)
        return [found for found in errors if not intended(found, case.host)]

    def flavour(self, name: str, release: Version) -> str | None:
        """The build that the index of the file brings of a release."""
        entry = next((entry for entry in self.part.section.entries if entry.name == name), None)
        if entry is None or entry.flavour is None or name != "torch":
            return None
        built = any(build.build == entry.flavour for build in self.case.matrix.builds.get(release, ()))
        return entry.flavour if built else None

    def releases(self, name: str, chosen: dict[str, Pin]) -> list[Version]:
        """What a range admits, the newest first, the partner of a chosen torch before all."""
        matrix = self.case.matrix
        known: list[Version]
        if name == "torch":
            known = list(matrix.torches)
        elif name in TORCH_FAMILY:
            known = list(matrix.torchvisions if name == "torchvision" else matrix.torchaudios)
            partner = matrix.partner(name, chosen["torch"].release) if "torch" in chosen else None
            known.sort(key=lambda release: partner is None or release != partner.version)
        elif name == "fastai":
            known = list(matrix.fastais)
        else:
            known = _representatives(name, self.part, matrix)
        return [release for release in known if self.part.ranges[name].contains(release, prereleases=True)]


def _limited(matrix: Matrix, stack: Stack) -> list[str]:
    """Packages beside torch and fastai that any row of the matrix limits."""
    names = {"numpy", *(limit.package for limit in matrix.limits)}
    fastai = stack.release("fastai")
    row = matrix.fastais.get(fastai) if fastai else None
    names.update(row.requires if row else ())
    return sorted(names - set(_ORDER))


def _representatives(name: str, part: Part, matrix: Matrix) -> list[Version]:
    """Versions on, just below and just above every border that anything draws: where one of them is admitted by all
    specifiers or none is, the same holds for all versions."""
    specs = [str(part.ranges[name])]
    specs += [limit.allowed for limit in matrix.limits if limit.package == name]
    specs += [limit.when[name] for limit in matrix.limits if name in limit.when]
    specs += [row.requires[name] for row in matrix.fastais.values() if name in row.requires]
    if name == "numpy":
        specs += [row.numpy for row in matrix.torches.values()]
    found: set[Version] = set()
    for spec in dict.fromkeys(specs):
        for clause in spec.split(","):
            text = clause.strip().lstrip("=<>!~").strip().removesuffix(".*")
            if text:
                numbers = Version(text).release
                found |= {Version(text), _joined(numbers, 0, 1), _joined(_next(numbers)), *_before(numbers)}
    return sorted(found, reverse=True)


def _joined(numbers: Sequence[int], *more: int) -> Version:
    return Version(".".join(map(str, (*numbers, *more))))


def _next(numbers: Sequence[int]) -> tuple[int, ...]:
    return (*numbers[:-1], numbers[-1] + 1)


def _before(numbers: Sequence[int]) -> Iterator[Version]:
    """The version just below: 2.0 has 1.999."""
    place = max((n for n, number in enumerate(numbers) if number), default=None)
    if place is not None:
        yield _joined((*numbers[:place], numbers[place] - 1), 9999)
