"""What pip check, or pip's warning after an install, says of the torch and fastai families."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.specifiers import InvalidSpecifier
from packaging.version import InvalidVersion, Version

from compatmatrix.matrix.rows import admits
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope

_CODES = {"torchvision": "torchvision-mismatch", "torchaudio": "torchaudio-mismatch", "fastai": "fastai-mismatch"}


def check(case: Case) -> Iterator[Finding]:
    broken = [one for one in case.observed.conflicts if _broken(one.spec, one.version)]
    of_torch = any(one.name == "torch" and one.owner in _CODES for one in broken)
    for conflict in broken:
        code = _CODES.get(conflict.owner)
        severity = Severity.ERROR
        if code is None and conflict.name == "torch" and _is_exact(conflict.spec):
            code = "other"  # who pins one torch was compiled for it
            # The torch that a partner does not fit is the cause; the others of its day fall with it.
            severity = Severity.WARNING if of_torch else severity
        if code is None:
            continue
        there = "what else is asked for is" if conflict.asked else "here is"
        yield Finding(
            code,
            severity,
            f"{conflict.owner} asks for {conflict.name}{conflict.spec}, {there} {conflict.version}",
            "install both in one command, so that pip chooses versions that go together",
            fix=(f"{conflict.name}{conflict.spec}",),
            packages=(conflict.owner, conflict.name),
        )


def _is_exact(spec: str) -> bool:
    return spec.replace(" ", "").startswith("==") and "*" not in spec


def _broken(spec: str, version: str) -> bool:
    try:
        return not admits(spec, Version(version))
    except (InvalidSpecifier, InvalidVersion):
        return False


RULE = Rule("other", "what pip says of broken requirements", Scope.VERSIONS, check)
