"""Several hosts: one stack for all of them, or the fewest stacks and who gets which."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.decision import Decision
from compatmatrix.model.host import Host
from compatmatrix.resolve.candidates import torch_candidates
from compatmatrix.resolve.decide import Proofs, Refusal, decide
from compatmatrix.resolve.judgement import rejects_host
from compatmatrix.resolve.question import Question

_MAX_COMBINATIONS = 50_000


class Target(NamedTuple):
    """A host with the name that the user knows it by."""

    name: str
    host: Host


class Share(NamedTuple):
    """One stack and whom it is for. name: unique among the shares of an answer ("cu126", "cu126-py311")."""

    name: str
    targets: tuple[Target, ...]
    question: Question
    decision: Decision


class Unserved(NamedTuple):
    """A host that no stack fits, with the reasons."""

    target: Target
    question: Question
    refusal: Refusal


class Answer(NamedTuple):
    """Where nobody is unserved, the shares serve every target, each once."""

    shares: tuple[Share, ...]
    unserved: tuple[Unserved, ...]


def decide_all(question: Question, targets: Sequence[Target], matrix: Matrix, proofs: Proofs | None = None) -> Answer:
    """The fewest stacks for all targets; hosts of different platform or Python always get different ones.

    question: its host is not looked at. Every GPU is held against the driver of its own host.
    """
    found: list[tuple[tuple[Target, ...], Question, Decision]] = []
    unserved: list[Unserved] = []
    for group in _alike(targets):
        for part in _parts(question, group, matrix, proofs):
            joint = for_all(question, [target.host for target in part])
            made = decide(joint, matrix, proofs)
            if isinstance(made, Decision):
                found.append((part, joint, made))
            else:
                unserved.append(Unserved(part[0], joint, made))
    names = _names([decision for _, _, decision in found])
    shares = (Share(name, *row) for name, row in zip(names, found, strict=True))
    return Answer(tuple(shares), tuple(unserved))


def for_all(question: Question, hosts: Sequence[Host]) -> Question:
    """The question for hosts of one platform and Python together: the oldest C library of all is resolved for."""
    # One with GPUs leads: without one the CPU build would come first.
    first, *rest = sorted(dict.fromkeys(hosts), key=lambda host: not host.has_gpu)
    known = [host.libc for host in (first, *rest) if host.libc.value is not None]
    oldest = min(known, key=lambda fact: fact.value or (), default=first.libc)
    return replace(question, host=replace(first, libc=oldest), others=tuple(rest))


def _alike(targets: Iterable[Target]) -> list[list[Target]]:
    groups: dict[tuple[str | None, str | None], list[Target]] = {}
    for target in targets:
        python = target.host.python.value
        groups.setdefault((target.host.platform.value, python.minor if python else None), []).append(target)
    return list(groups.values())


def _parts(
    question: Question, group: Sequence[Target], matrix: Matrix, proofs: Proofs | None
) -> Iterator[tuple[Target, ...]]:
    """The fewest parts that can each have one stack; a host that nothing fits is a part by itself."""
    everyone = tuple(group)
    if len(group) == 1 or _feasible(question, everyone, matrix, proofs):
        yield everyone
        return
    reach = [part for part in _reach(question, group, matrix) if _feasible(question, _of(part, group), matrix, proofs)]
    for lost in set(range(len(group))) - set().union(*reach):
        yield (group[lost],)
    wanted = frozenset(set().union(*reach))
    left = set(wanted)
    for part in sorted(_cover(reach, wanted), key=lambda part: reach.index(part)):
        taken = frozenset(part & left)
        left -= taken
        if taken:
            yield _of(taken, group)


def _feasible(question: Question, part: Sequence[Target], matrix: Matrix, proofs: Proofs | None) -> bool:
    return isinstance(decide(for_all(question, [target.host for target in part]), matrix, proofs), Decision)


def _of(part: Iterable[int], group: Sequence[Target]) -> tuple[Target, ...]:
    return tuple(group[number] for number in sorted(part))


def _reach(question: Question, group: Sequence[Target], matrix: Matrix) -> list[frozenset[int]]:
    """Whom each torch build serves, as numbers, in the order of preference; each set once."""
    leading = for_all(question, [target.host for target in group])
    found: dict[frozenset[int], None] = {}
    for candidate in torch_candidates(leading, matrix):
        served = frozenset(
            number for number, target in enumerate(group) if not rejects_host(candidate, target.host, matrix)
        )
        if served:
            found.setdefault(served)
    return list(found)


def _cover(reach: Sequence[frozenset[int]], wanted: frozenset[int]) -> tuple[frozenset[int], ...]:
    """The fewest sets that hold everyone; among equals those preferred most."""
    largest = [part for part in reach if not any(part < other for other in reach)]
    tried = 0
    for size in range(1, len(wanted) + 1):
        best: tuple[int, tuple[frozenset[int], ...]] | None = None
        for chosen in combinations(largest, size):
            tried += 1
            if tried > _MAX_COMBINATIONS:
                return _greedy(largest, wanted)
            if wanted <= frozenset().union(*chosen):
                rank = sum(reach.index(part) for part in chosen)
                best = min(best or (rank, chosen), (rank, chosen), key=lambda row: row[0])
        if best:
            return best[1]
    return ()


def _greedy(reach: Sequence[frozenset[int]], wanted: frozenset[int]) -> tuple[frozenset[int], ...]:
    """A cover that is small and not always the smallest, for very many hosts."""
    chosen = []
    left = wanted
    while left:
        part = max(reach, key=lambda part: len(part & left))
        chosen.append(part)
        left -= part
    return tuple(chosen)


def _names(decisions: Sequence[Decision]) -> list[str]:
    """The build, with Python and platform where they differ, and a number where that is not enough."""
    pythons = {str(decision.host.python.value and decision.host.python.value.minor) for decision in decisions}
    platforms = {decision.host.platform.value for decision in decisions}
    names: list[str] = []
    for decision in decisions:
        python = decision.host.python.value
        parts = [decision.build]
        parts += [f"py{python.minor.replace('.', '')}"] if python and len(pythons) > 1 else []
        parts += [str(decision.host.platform.value)] if len(platforms) > 1 else []
        name = "-".join(parts)
        count = sum(other == name or other.startswith(f"{name}-no") for other in names)
        names.append(f"{name}-no{count + 1}" if count else name)
    return names
