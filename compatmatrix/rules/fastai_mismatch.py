"""A package is outside the range that this fastai release declares."""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.matrix.rows import admits
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope


def check(case: Case) -> Iterator[Finding]:
    release = case.stack.release("fastai")
    row = case.matrix.fastais.get(release) if release else None
    if row is None:
        if release is not None:
            yield Finding(
                RULE.code,
                Severity.UNKNOWN,
                f"fastai {release} is not in the matrix",
                "compatmatrix may be older or younger than this release",
                packages=("fastai",),
            )
        return
    for name, spec in row.requires.items():
        pin = case.stack.get(name)
        if pin is None or admits(spec, pin.release):
            continue
        newer = next(
            (
                other.version
                for other in case.matrix.fastais.values()
                if not other.yanked and admits(other.requires.get(name, ""), pin.release)
            ),
            None,
        )
        yield Finding(
            RULE.code,
            Severity.ERROR,
            f"fastai {row.version} needs {name} {spec}, here is {pin.version}",
            f"fastai {newer} admits it" if newer and name == "torch" else "",
            fix=(f"fastai=={newer}",) if newer and name == "torch" else (f"{name}{spec}",),
            packages=("fastai", name),
            evidence=(row.evidence,),
        )


RULE = Rule("fastai-mismatch", "a package is outside the range that fastai declares", Scope.VERSIONS, check)
