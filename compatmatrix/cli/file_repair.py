"""The repair of one file: attempts, the nearest first, each written into the text and judged again on every host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from compatmatrix.cli.file_edit import Attempt, edited, exact, in_range, tag_of
from compatmatrix.manifests.index_urls import BUILT
from compatmatrix.manifests.read import read_manifest
from compatmatrix.manifests.source import read_text, reading_instead
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.fact import Fact
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.host import Host
from compatmatrix.model.stack import Stack
from compatmatrix.resolve.given import GIVEN
from compatmatrix.resolve.manifest import CONDA_RULES, FOREIGN_RULES, JudgedPart, judge_manifest
from compatmatrix.resolve.manifest_ranges import stacks_within
from compatmatrix.resolve.moves import Change
from compatmatrix.resolve.question import IndexPolicy
from compatmatrix.resolve.repair import nearest_repair
from compatmatrix.resolve.targets import Target as Machine
from compatmatrix.rules import RULES

_ROUNDS = 20
"""Repairs of one part that are tried at most."""


class _On(NamedTuple):
    """A part of the file on one of the hosts. place: of the host among them."""

    place: int
    judged: JudgedPart

    @property
    def key(self) -> tuple[int, str]:
        return self.place, self.judged.part.section.name


Findings = tuple[tuple[str, Finding], ...]
"""Findings, each with the name of its host; the name is empty where there is one host only."""


class Fixed(NamedTuple):
    """One file. texts: old and new text of each file that changes, includes among them. before, after: its findings."""

    path: Path
    changes: tuple[Change, ...]
    texts: dict[Path, tuple[str, str]]
    before: Findings
    after: Findings
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return any(old != new for old, new in self.texts.values())


class Wish(NamedTuple):
    """What a repair is wanted for. unwanted: severities that must go."""

    hosts: tuple[Machine, ...]
    matrix: Matrix
    policy: IndexPolicy
    unwanted: frozenset[Severity]

    def breaks(self, part: JudgedPart) -> bool:
        return any(finding.severity in self.unwanted for finding in part.findings)

    def judged(self, path: Path, texts: Mapping[Path, str]) -> tuple[_On, ...]:
        """A file on every host, as if it and its includes held these texts."""
        with reading_instead(texts):
            manifest = read_manifest(path)
            return tuple(
                _On(place, part)
                for place, target in enumerate(self.hosts)
                for part in judge_manifest(manifest, target.host, self.matrix)
            )

    def findings(self, parts: Sequence[_On]) -> Findings:
        return tuple(
            (self.hosts[on.place].name if len(self.hosts) > 1 else "", finding)
            for on in parts
            for finding in on.judged.findings
        )


def repaired(path: Path, wish: Wish) -> Fixed:
    """Repair one part after the other, the largest first, each time on the text that the repairs before it leave: an
    extra and what it stands on share their lines. Raises BadInput for a file that cannot be read or changed."""
    old: dict[Path, str] = {}
    new: dict[Path, str] = {}
    done: dict[str, Change] = {}
    tried: list[tuple[str, dict[str, str]]] = []
    notes: list[str] = []
    parts = wish.judged(path, new)
    before = wish.findings(parts)
    while broken := [on for on in parts if wish.breaks(on.judged) and _key(on) not in tried]:
        on = max(broken, key=lambda one: len(one.judged.part.section.entries))
        if len(tried) >= _ROUNDS:
            break
        tried.append(_key(on))
        alike = [other for other in parts if _key(other) == _key(on)]
        first: tuple[Attempt, dict[Path, str], list[str], tuple[_On, ...]] | None = None
        for attempt in _attempts(on.judged, [one.judged.host for one in alike if one is not on], wish):
            texts, said = edited(path, on.judged, attempt, new, wish.matrix)
            judged = wish.judged(path, {**new, **texts})
            same = {one.key for one in alike}
            there = [one.judged for one in judged if one.key in same]
            if not there or any(_names(on.judged) - _names(one) for one in there):
                # A text that can no longer be read names fewer packages, and those that are left may be fine.
                notes.append(f"{path}: {', '.join(map(_wanted, attempt.changes))}: to be written by hand")
                continue
            first = first or (attempt, texts, said, judged)
            if not any(map(wish.breaks, there)):
                first = attempt, texts, said, judged
                break
        if first is None:
            notes += _no_one_for_all(alike, wish)
            continue
        attempt, texts, said, parts = first
        for change in attempt.changes:
            done[change.name] = change._replace(old=done[change.name].old) if change.name in done else change
        for file, changed in texts.items():
            old.setdefault(file, new[file] if file in new else read_text(file))
            new[file] = changed
        notes += [*said, *_kept(on.judged)]
    after = wish.findings(parts)
    wrong = next((finding for _, finding in after if finding.severity is Severity.ERROR), None)
    if wrong and any(old[file] != text for file, text in new.items()):
        wanted = ", ".join(change.requirement for change in done.values())
        why = f"{path}: nothing is changed: with {wanted} it would still be wrong: {wrong.message}"
        return Fixed(path, (), {}, before, before, tuple(dict.fromkeys((why, *notes))))
    written = {file: (exact(file, old[file]), exact(file, text)) for file, text in new.items()}
    return Fixed(path, tuple(done.values()), written, before, after, tuple(dict.fromkeys(notes)))


def _key(on: _On) -> tuple[str, dict[str, str]]:
    return on.judged.part.section.name, on.judged.stack.versions()


def _wanted(change: Change) -> str:
    return change.requirement


def _names(part: JudgedPart) -> set[str]:
    return {*part.stack, *part.part.ranges}


def _attempts(part: JudgedPart, others: Sequence[Host], wish: Wish) -> Iterator[Attempt]:
    """What may move in one part, the best first; everything that is pinned was asked for by name. conda's packages are
    chosen by their versions alone, and the torch of an image stays. Where a file names the index of a PyTorch build,
    another build of that index comes before PyPI's. Ranges move last. others: further
    hosts of the same part."""
    foreign = "torch" in part.part.conda | part.part.opaque
    index = "" if foreign else _index_of(part)
    bound = index and any(entry.name == "torch" and entry.flavour for entry in part.part.section.entries)
    local = (torch := part.stack.get("torch")) is not None and torch.version.local
    auto = wish.policy is IndexPolicy.AUTO
    policies = [IndexPolicy.PYTORCH, wish.policy] if auto and (bound or local) else [wish.policy]
    for stacks in ([part.stack], list(stacks_within(part.part, wish.matrix))):
        for one in [IndexPolicy.PYPI] if foreign else policies:
            ways = filter(None, (_moves(part, stack, others, wish, one) for stack in stacks))
            changes = min(ways, key=lambda way: (len(way), len(_ranged(part, way))), default=())
            if not changes:
                continue
            if index and tag_of(changes) and not any(change.old.version.local for change in changes):
                yield Attempt(changes, index, True)
            yield Attempt(changes, index)


def _ranged(part: JudgedPart, changes: Sequence[Change]) -> list[Change]:
    return [change for change in changes if change.name in part.part.ranges]


def _moves(
    part: JudgedPart, stack: Stack, others: Sequence[Host], wish: Wish, index: IndexPolicy
) -> tuple[Change, ...]:
    """What has to move in a stack; empty where nothing helps, or the file does not decide it. A package that stays
    within its range stays as it is written."""
    foreign = "torch" in part.part.conda | part.part.opaque
    repair = nearest_repair(
        stack,
        _as_intended(part.host, part),
        wish.matrix,
        pinned=frozenset(stack),
        index=index,
        unwanted=wish.unwanted,
        rules=(CONDA_RULES if "torch" in part.part.conda else FOREIGN_RULES) if foreign else RULES,
        others=[_as_intended(host, part) for host in others],
    )
    if repair is None or any(change.name in part.part.opaque for change in repair.changes):
        return ()
    named = {entry.name: entry.flavour for entry in part.part.section.entries}
    return tuple(
        change
        for change in repair.changes
        if not in_range(part, change) or (change.source == "pytorch" and named.get(change.name) != change.pin.flavour)
    )


def _as_intended(host: Host, part: JudgedPart) -> Host:
    """The host, without its GPUs where a file asks for the CPU build and nobody said that it is for these GPUs."""
    return replace(host, gpus=Fact.of((), "file")) if _for_the_cpu(host, part) else host


def _for_the_cpu(host: Host, part: JudgedPart) -> bool:
    torch = part.stack.get("torch")
    return bool(torch and torch.flavour == "cpu" and host.has_gpu and host.gpus.origin not in GIVEN)


def _kept(part: JudgedPart) -> list[str]:
    stays = "the file asks for the CPU build of torch, and that stays; --gpu names a GPU to serve"
    return [stays] if _for_the_cpu(part.host, part) else []


def _no_one_for_all(alike: Sequence[_On], wish: Wish) -> list[str]:
    """What would serve each of several hosts by itself, where nothing serves all."""
    if len(alike) < 2:
        return []
    ways: dict[str, list[str]] = {}
    for on in alike:
        name = wish.hosts[on.place].name
        attempt = next(_attempts(on.judged, [], wish), None) if wish.breaks(on.judged) else None
        texts = ", ".join(change.requirement for change in attempt.changes) if attempt else ""
        way = texts or ("nothing that is near" if wish.breaks(on.judged) else "what is there")
        ways.setdefault(way, []).append(name)
    told = "; ".join(f"{way} for {' and '.join(names)}" for way, names in ways.items())
    return [f"no one set of pins near these serves all hosts: {told}"]


def _index_of(part: JudgedPart) -> str:
    """The build whose index decides what torch a part gets; empty for none, or where the part is there for that build
    (the extra "cpu")."""
    tags = {entry.flavour for entry in part.part.section.entries if entry.name in BUILT and entry.flavour}
    torch = part.stack.get("torch")
    if torch and torch.version.local:
        tags.add(torch.version.local)  # PyPI has no such versions: an index is asked, perhaps one named elsewhere
    tag = torch.flavour if torch and torch.flavour in tags else tags.pop() if len(tags) == 1 else None
    return tag if tag and tag not in part.part.section.name.split() else ""
