"""torchvision does not match torch, in version or in flavour."""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.model.finding import Finding
from compatmatrix.rules.case import Case, Rule, Scope
from compatmatrix.rules.partners import check_partner


def check(case: Case) -> Iterator[Finding]:
    yield from check_partner(case, RULE.code, "torchvision", case.matrix.torchvisions)


def check_conda(case: Case) -> Iterator[Finding]:
    yield from check_partner(case, RULE.code, "torchvision", case.matrix.torchvisions, series=True)


RULE = Rule("torchvision-mismatch", "torchvision was made for another torch", Scope.VERSIONS, check)

CONDA_RULE = Rule(RULE.code, RULE.summary, Scope.VERSIONS, check_conda)
"""Where conda's solver has put the two together."""
