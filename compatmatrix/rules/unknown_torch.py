"""torch itself, or its build, is not in the matrix: most other rules then have nothing to say."""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope


def check(case: Case) -> Iterator[Finding]:
    pin = case.stack.get("torch")
    platform = case.host.platform.value
    if pin is None or case.build is not None or platform not in case.matrix.platforms:
        return
    hint = "compatmatrix matrix refresh learns what came out since; --matrix names another one"
    if pin.release not in case.matrix.torches:
        newest = next(iter(case.matrix.torches), None)
        oldest = next(reversed(case.matrix.torches), None)
        what = f"torch {pin.release} is not in the matrix, which knows {oldest} to {newest}"
        if newest and pin.release < newest:
            hint = "a release in the matrix can be judged; --matrix names another matrix"
    elif case.matrix.builds_for(pin.release, platform or ""):
        named = pin.flavour or pin.version.local
        what = (
            f"the build {named} of torch {pin.release} is not in the matrix"
            if named
            else f"conda's build of torch {pin.release} is not told"
        )
    else:
        return
    yield Finding(
        RULE.code,
        Severity.UNKNOWN,
        f"{what}: its driver, GPU and Python needs are not known",
        hint,
        packages=("torch",),
    )


RULE = Rule("other", "torch or its build is not in the matrix", Scope.HOST, check)
