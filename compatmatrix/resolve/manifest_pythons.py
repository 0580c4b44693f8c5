"""Pins for which no Python is left, in files that leave the Python open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from compatmatrix.manifests.manifest import Part
from compatmatrix.matrix.rows import admits
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules import Case


def no_python(part: Part, case: Case) -> Iterator[Finding]:
    """One finding where the Python is not known and none has wheels for all pins, or none that the file admits."""
    build, matrix, stack = case.build, case.matrix, case.stack
    if case.host.python.known or build is None:
        return
    left, why = set(build.pythons), [f"torch {build.torch} has wheels for Python {_listed(build.pythons)}"]
    for name, rows in (("torchvision", matrix.torchvisions), ("torchaudio", matrix.torchaudios)):
        release = stack.release(name)
        row = rows.get(release) if release else None
        if row and row.pythons:
            left &= set(row.pythons)
            why.append(f"{name} {release} for {_listed(row.pythons)}")
    release = stack.release("fastai")
    fastai = matrix.fastais.get(release) if release else None
    if fastai and fastai.python:
        left = {minor for minor in left if admits(fastai.python, _last(minor))}
        why.append(f"fastai {release} needs {fastai.python}")
    asked = part.section.python
    if asked:
        left = {minor for minor in left if _any(asked, minor)}
        why.append(f"the file asks for {asked}")
    if not left:
        yield Finding(
            "python-unsupported",
            Severity.ERROR,
            f"no Python fits: {'; '.join(why)}",
            packages=("torch",),
            evidence=(build.evidence,),
            where=part.place_of(("torch",)),
        )


def _listed(minors: Sequence[str]) -> str:
    return ", ".join(minors)


def _last(minor: str) -> Version:
    return Version(f"{minor.rstrip('t')}.99")


def _any(specifier: str, minor: str) -> bool:
    """Whether a specifier admits any patch release of a minor."""
    try:
        spec = SpecifierSet(specifier)
    except InvalidSpecifier:
        return True
    return any(spec.contains(f"{minor.rstrip('t')}.{patch}", prereleases=True) for patch in range(40))
