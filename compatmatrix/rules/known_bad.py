"""Undeclared limits: combinations that metadata allows and that were seen to fail. Rows of the matrix, any package."""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.matrix.rows import Limit, admits
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope


def applies(limit: Limit, case: Case) -> bool:
    """Whether all conditions of a limit hold; "python" names the interpreter. What is absent does not match."""
    for name, spec in limit.when.items():
        if name == "python":
            python = case.host.python.value
            release = python.version if python else None
        else:
            release = case.stack.release(name)
        if release is None or not admits(spec, release):
            return False
    return True


def check(case: Case) -> Iterator[Finding]:
    for limit in case.matrix.limits:
        pin = case.stack.get(limit.package)
        if pin is None or admits(limit.allowed, pin.release) or not applies(limit, case):
            continue
        others = [f"{name} {spec}".strip() for name, spec in limit.when.items() if name != limit.package]
        conditions = f" with {', '.join(others)}" if others else ""
        yield Finding(
            limit.code,
            Severity(limit.severity),
            f"{limit.package} {pin.version} does not work{conditions}: {limit.symptom}",
            fix=(f"{limit.package}{limit.allowed}",),
            packages=tuple(dict.fromkeys((limit.package, *(name for name in limit.when if name != "python")))),
            evidence=(limit.evidence,),
        )


RULE = Rule("known-bad", "a combination that was seen to fail", Scope.VERSIONS, check)
