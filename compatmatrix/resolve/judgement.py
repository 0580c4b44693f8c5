"""Rules asked about candidates: does any object, and what do all say. The answer on versions is remembered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import Build
from compatmatrix.model.fact import Fact
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.host import Host, Python
from compatmatrix.model.stack import Stack
from compatmatrix.resolve.candidates import TorchCandidate
from compatmatrix.rules import RULES, Case, Scope, arch_missing, judge
from compatmatrix.rules.coverage import served_by_older_ptx

HOST_RULES = tuple(rule for rule in RULES if rule.scope is Scope.HOST)
_REJECTING = tuple(rule for rule in HOST_RULES if rule.rejects)
VERSION_RULES = tuple(rule for rule in RULES if rule.scope is Scope.VERSIONS)


def rejects_host(candidate: TorchCandidate, host: Host, matrix: Matrix) -> bool:
    """Whether any rule rejects a torch build for a host, whatever fastai goes with it; stops at the first."""
    return next(_objections_of_host(candidate, host, matrix), None) is not None


def objections_of_hosts(candidate: TorchCandidate, hosts: Iterable[Host], matrix: Matrix) -> tuple[Finding, ...]:
    """What rejects a torch build, on the first host that rejects it; empty where none does."""
    return next(filter(None, (tuple(_objections_of_host(candidate, host, matrix)) for host in hosts)), ())


def _objections_of_host(candidate: TorchCandidate, host: Host, matrix: Matrix) -> Iterator[Finding]:
    yield from objections_of_versions(candidate.stack, candidate.build, host, matrix)
    case = Case(candidate.stack, host, matrix, candidate.build, advise=False)
    for rule in _REJECTING:
        for finding in rule.check(case):
            if finding.severity is Severity.ERROR:
                yield finding
            elif finding.severity is Severity.UNKNOWN:
                # Not knowing is no ground to lock on.
                yield finding._replace(severity=Severity.ERROR)


def objections_of_versions(stack: Stack, build: Build, host: Host, matrix: Matrix) -> tuple[Finding, ...]:
    """What rejects these versions on this Python; empty where nothing does."""
    python = host.python.value
    return _cached(stack, build, python, matrix)[0] if python else ()


def cautions_on_versions(stack: Stack, build: Build, host: Host, matrix: Matrix) -> tuple[Finding, ...]:
    """What warns of these versions on this Python, whatever the hardware; empty where nothing does."""
    python = host.python.value
    return _cached(stack, build, python, matrix)[1] if python else ()


def older_ptx_on(candidate: TorchCandidate, hosts: Iterable[Host], matrix: Matrix) -> tuple[Finding, ...]:
    """What warns that a build serves a host by PTX of an older generation alone; empty where none does."""
    for host in hosts:
        if served_by_older_ptx(candidate.build, host, host.driver_system, matrix):
            case = Case(candidate.stack, host, matrix, candidate.build, advise=False)
            return tuple(arch_missing.check(case))
    return ()


@lru_cache(maxsize=65536)
def _cached(
    stack: Stack, build: Build, python: Python, matrix: Matrix
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The errors and the warnings."""
    aside = "not looked at"
    host = Host(
        Fact.of(python, "asked"),
        Fact.of(build.platform, "asked"),
        Fact.unknown(aside),
        Fact.unknown(aside),
        Fact.unknown(aside),
    )
    findings = judge(Case(stack, host, matrix, build, advise=False), VERSION_RULES)
    return (
        tuple(finding for finding in findings if finding.severity is Severity.ERROR),
        tuple(finding for finding in findings if finding.severity is Severity.WARNING),
    )


def warnings_on(case: Case) -> Iterator[Finding]:
    """What does not keep a stack from being taken, but should be said."""
    return (finding for finding in judge(case, RULES) if finding.severity is Severity.WARNING)
