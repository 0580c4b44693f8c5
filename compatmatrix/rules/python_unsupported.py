"""A package of the stack has no wheel for this Python, or declares that it does not run on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from packaging.version import Version

from compatmatrix.matrix.rows import admits
from compatmatrix.model.finding import Evidence, Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope


def check(case: Case) -> Iterator[Finding]:
    python = case.host.python.value
    if python is None:
        return
    if case.build and python.minor not in case.build.pythons:
        hint = _hint(case, python.minor)
        yield _finding("torch", case.build.torch, python.minor, case.build.pythons, hint, case.build.evidence)
    for name, rows in (("torchvision", case.matrix.torchvisions), ("torchaudio", case.matrix.torchaudios)):
        release = case.stack.release(name)
        row = rows.get(release) if release else None
        if row and row.pythons and python.minor not in row.pythons:
            yield _finding(name, row.version, python.minor, row.pythons, "", row.evidence)
    fastai = case.stack.release("fastai")
    declared = case.matrix.fastais.get(fastai) if fastai else None
    if declared and declared.python and not admits(declared.python, python.version):
        yield Finding(
            RULE.code,
            Severity.ERROR,
            f"fastai {declared.version} needs Python {declared.python}, this is {python}",
            packages=("fastai",),
            evidence=(declared.evidence,),
        )


def _finding(name: str, release: Version, minor: str, pythons: Sequence[str], hint: str, evidence: Evidence) -> Finding:
    return Finding(
        RULE.code,
        Severity.ERROR,
        f"{name} {release} has no wheel for Python {minor}: it has {', '.join(pythons)}",
        hint,
        packages=(name,),
        evidence=(evidence,),
    )


def _hint(case: Case, minor: str) -> str:
    platform = case.host.platform.value or ""
    fitting = [
        torch
        for torch in case.matrix.torches
        if any(minor in build.pythons for build in case.matrix.builds_for(torch, platform))
    ]
    if not fitting:
        return f"no torch in the matrix has a wheel for Python {minor}"
    return f"torch {fitting[-1]} to {fitting[0]} have wheels for Python {minor}"


RULE = Rule("python-unsupported", "a package has no wheel for this Python", Scope.VERSIONS, check)
