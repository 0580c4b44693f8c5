"""The nearest stack without errors: the user's pins last to move, then fewest packages changed, then smallest jumps.

The torch family and fastai are searched among the matrix's releases, nearest first; every other package follows what
the findings themselves ask for. What is returned was judged again by all rules.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from compatmatrix.matrix.matrix import TORCH_FAMILY, Matrix
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.host import Host
from compatmatrix.model.stack import Pin, Stack
from compatmatrix.resolve.moves import Change, FastaiChoice, TorchChoice, fastai_choices, torch_choices
from compatmatrix.resolve.nearby import nearest_version
from compatmatrix.resolve.question import IndexPolicy
from compatmatrix.rules import RULES, Case, Rule, Scope, judge
from compatmatrix.rules.coverage import served_by_older_ptx
from compatmatrix.rules.known_bad import applies

ERRORS = frozenset({Severity.ERROR})
_ROUNDS = 8
"""How often the findings of a candidate may ask for one more package to move."""

Cost = tuple[int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Repair:
    """A way to a stack without errors.

    stack: as expected then; remaining: what the rules still say of it. beside: requirements on packages that are not
    there yet and may come with the changes.
    """

    changes: tuple[Change, ...]
    stack: Stack
    remaining: tuple[Finding, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def from_pytorch(self) -> tuple[Change, ...]:
        """The changes that need the PyTorch index."""
        return tuple(change for change in self.changes if change.source == "pytorch")


def nearest_repair(
    stack: Stack,
    host: Host,
    matrix: Matrix,
    *,
    pinned: frozenset[str] = frozenset(),
    index: IndexPolicy = IndexPolicy.AUTO,
    unwanted: frozenset[Severity] = ERRORS,
    rules: Sequence[Rule] = RULES,
    others: Sequence[Host] = (),
) -> Repair | None:
    """The nearest stack with no finding of an unwanted severity; None where the matrix knows none.

    pinned: names that the user asked for: they move last. index: where builds may newly come from; what stays may be
    from anywhere. rules: who judges. others: further hosts that the one stack must serve as well, each with its own
    driver. A stack without such findings gives a Repair without changes.
    """
    asked = _Asked(stack, host, matrix, unwanted, tuple(rules), tuple(others))
    known = _warnings(asked.judged(Case.of(stack, host, matrix), rules))
    near = _beside_the_pins(asked)
    alone = near is not None and len(near.changes) < 2 and pinned.isdisjoint(change.name for change in near.changes)
    if near and alone and _warnings(near.remaining) <= known:
        # Nothing costs less than one package that nobody asked for; most repairs are of this kind.
        return near
    heap: list[tuple[Cost, int, TorchChoice, FastaiChoice, Repair | None]] = []
    fastais = list(fastai_choices(stack, host, matrix))
    for torch in torch_choices(stack, host, matrix, index):
        changing = [change.name for change in torch.changes]
        family = torch.pins(stack)
        for fastai in fastais:
            if not fastai.takes(family):
                continue
            # What it costs at least: further packages may have to move, which only the rules can tell.
            moved = {*changing, *fastai.moves}
            cost = (len(pinned & moved), len(moved), 0, torch.steps + fastai.steps, torch.rank, 0)
            heap.append((cost, len(heap), torch, fastai, None))
    heapq.heapify(heap)
    runs: dict[TorchChoice, bool] = {}
    while heap:
        cost, number, torch, fastai, found = heapq.heappop(heap)
        if found is not None:
            return found
        if torch not in runs:
            runs[torch] = _runs(asked, torch)
        made = _completed(asked, torch, fastai) if runs[torch] else None
        if made is not None:
            names = {change.name for change in made.changes}
            warnings = len(_warnings(made.remaining) - known)
            full = (len(pinned & names), len(names), warnings, cost[3], torch.rank, 1)
            heapq.heappush(heap, (full, number, torch, fastai, made))
    return None


def tidied(
    repair: Repair, stack: Stack, host: Host, matrix: Matrix, pinned: frozenset[str], rules: Sequence[Rule] = RULES
) -> Repair:
    """The repair with those warnings gone, too, that packages which nobody asked for by name can take away.

    stack: as it was before the repair. What the user asked for, torch's family and fastai stay for a warning.
    """
    specs: dict[str, list[str]] = {}
    for name, spec in _asked([finding for finding in repair.remaining if finding.severity is Severity.WARNING]):
        if name in repair.stack and name not in pinned:
            specs.setdefault(name, []).append(spec)
    changes = {change.name: change for change in repair.changes}
    pins = dict(repair.stack)
    for name, asked in specs.items():
        old = changes[name].requirement[len(name) :].split(",") if name in changes else []
        joined = ",".join(dict.fromkeys((*old, *asked)))
        version = nearest_version(joined, stack[name].release)
        if version is None:
            return repair
        pins[name] = Pin(name, version, None, "repair")
        changes[name] = Change(name, stack[name], f"{name}{joined}", pins[name])
    case = Case.of(Stack(pins.values()), host, matrix)
    findings = judge(case, rules)
    if any(finding.severity is Severity.ERROR for finding in findings):
        return repair
    if not _warnings(findings) < _warnings(repair.remaining):
        return repair
    ordered = tuple(changes[name] for name in sorted(changes, key=_listed))
    return Repair(ordered, case.stack, findings, repair.beside)


class _Asked(NamedTuple):
    """What a repair is asked for."""

    stack: Stack
    host: Host
    matrix: Matrix
    unwanted: frozenset[Severity]
    rules: tuple[Rule, ...]
    others: tuple[Host, ...] = ()

    def judged(self, case: Case, rules: Sequence[Rule]) -> tuple[Finding, ...]:
        """What the rules say of a case, on its host and on the others."""
        found = judge(case, rules)
        for host in self.others:
            stack = case.stack
            if host.platform.value != case.host.platform.value:
                # PyPI's build of a release is another one there.
                stack = Stack(
                    pin._replace(flavour=None) if pin.origin == "repair" and not pin.version.local else pin
                    for pin in stack.values()
                )
            other = Case.of(stack, host, self.matrix)._replace(advise=case.advise)
            if host.platform.value == case.host.platform.value:
                other = other._replace(build=case.build)
            found += judge(other, rules)
        return tuple(dict.fromkeys(found)) if self.others else found

    def of(self, scope: Scope) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.scope is scope)

    def refuses(self, findings: Sequence[Finding]) -> bool:
        return any(finding.severity in self.unwanted for finding in findings)


def _beside_the_pins(asked: _Asked) -> Repair | None:
    """The repair that leaves the torch family and fastai where they are; None where there is none."""
    torch = TorchChoice(Case.of(asked.stack, asked.host, asked.matrix).build, ())
    return _completed(asked, torch, FastaiChoice(asked.stack.get("fastai"), False))


def _runs(asked: _Asked, torch: TorchChoice) -> bool:
    """Whether this torch alone suits the host: most choices end here, before the packages around it are looked at."""
    pin = next((change.pin for change in torch.changes if change.name == "torch"), None)
    if pin is None:
        return True
    alone = Case(Stack([pin]), asked.host, asked.matrix, torch.build, advise=False)
    hosts = (asked.host, *asked.others)
    if torch.build and any(served_by_older_ptx(torch.build, one, one.driver_system, asked.matrix) for one in hosts):
        return False
    return not asked.refuses(asked.judged(alone, asked.of(Scope.HOST)))


def _warnings(findings: Sequence[Finding]) -> set[tuple[str, tuple[str, ...]]]:
    return {(finding.code, finding.packages) for finding in findings if finding.severity is Severity.WARNING}


def _completed(asked: _Asked, torch: TorchChoice, fastai: FastaiChoice) -> Repair | None:
    """The stack with this torch and this fastai, and whatever else the rules then ask for; None where that fails."""
    stack = asked.stack
    pins = torch.pins(stack)
    changes = {change.name: change for change in torch.changes}

    def move(pin: Pin, requirement: str) -> None:
        changes[pin.name] = Change(pin.name, stack[pin.name], requirement, pin)
        pins[pin.name] = pin

    if fastai.moved and fastai.pin:
        move(fastai.pin, str(fastai.pin))
    specs: dict[str, str] = {}
    for _ in range(_ROUNDS):
        case = Case(Stack(pins.values()), asked.host, asked.matrix, torch.build, advise=False)
        findings = asked.judged(case, asked.of(Scope.VERSIONS))
        bad = [finding for finding in findings if finding.severity in asked.unwanted]
        if not bad:
            findings = asked.judged(case, asked.rules)
            if asked.refuses(findings):
                return None
            bounds = limits_in(case)
            for name, spec in specs.items():
                joined = ",".join(dict.fromkeys((*spec.split(","), *bounds.get(name, ()))))
                changes[name] = changes[name]._replace(requirement=f"{name}{joined}")
            ordered = tuple(changes[name] for name in sorted(changes, key=_listed))
            return Repair(ordered, case.stack, findings, tuple(_beside(ordered, case, bounds)))
        before = dict(specs)
        for name, spec in _asked(bad):
            if name in pins and spec not in specs.get(name, "").split(","):
                specs[name] = f"{specs[name]},{spec}" if name in specs else spec
        for name, spec in specs.items():
            version = nearest_version(spec, stack[name].release)
            if version is None:
                return None
            if before.get(name) != spec:
                move(Pin(name, version, None, "repair"), f"{name}{spec}")
        if specs == before:
            return None
    return None


def limits_in(case: Case) -> dict[str, list[str]]:
    """Every limit that holds in a stack, by package: an installer takes the newest version that it is left."""
    found: dict[str, list[str]] = {}
    torch, fastai = case.stack.release("torch"), case.stack.release("fastai")
    row = case.matrix.torches.get(torch) if torch else None
    if row and row.numpy:
        found.setdefault("numpy", []).append(row.numpy)
    declared = case.matrix.fastais.get(fastai) if fastai else None
    for name, spec in (declared.requires if declared else {}).items():
        if name in case.stack and spec:
            found.setdefault(name, []).append(spec)
    for limit in case.matrix.limits:
        if applies(limit, case):
            found.setdefault(limit.package, []).append(limit.allowed)
    return {name: [one for spec in specs for one in spec.split(",")] for name, specs in found.items()}


def _beside(changes: Sequence[Change], case: Case, bounds: Mapping[str, list[str]]) -> Iterator[str]:
    """Limits on what a newly chosen torch or fastai brings along, where it is not there yet."""
    if not any(change.name in ("torch", "fastai") and change.old.release != change.pin.release for change in changes):
        return
    for name, specs in sorted(bounds.items()):
        if name not in case.stack and (name == "numpy" or "fastai" in case.stack):
            yield f"{name}{','.join(dict.fromkeys(specs))}"


def _asked(findings: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    """What findings ask of packages that the matrix has no releases of."""
    for finding in findings:
        for text in finding.fix:
            requirement = Requirement(text)
            name = canonicalize_name(requirement.name)
            if name not in TORCH_FAMILY and name != "fastai":
                for spec in sorted(map(str, requirement.specifier)):
                    yield name, spec


def _listed(name: str) -> tuple[int, str]:
    order = ("fastai", *TORCH_FAMILY)
    return (order.index(name) if name in order else len(order), name)


def version_texts(repair: Repair) -> dict[str, str]:
    """The new specifiers by name, as a file's edit takes them: "==2.8.0+cu126", "<2"."""
    return {change.name: change.requirement[len(change.name) :] for change in repair.changes}
