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
    for conflict in case.observed.conflicts:
        code = _CODES.get(conflict.owner)
        if code is None and conflict.name == "torch" and _is_exact(conflict.spec):
            code = "other"  # who pins one torch was compiled for it
        if code is None or not _broken(conflict.spec, conflict.version):
            continue
        yield Finding(
            code,
            Severity.ERROR,
            f"{conflict.owner} asks for {conflict.name}{conflict.spec}, here is {conflict.version}",
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
