"""torchaudio does not match torch, in version or in flavour."""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.model.finding import Finding
from compatmatrix.rules.case import Case, Rule, Scope
from compatmatrix.rules.partners import check_partner


def check(case: Case) -> Iterator[Finding]:
    yield from check_partner(case, RULE.code, "torchaudio", case.matrix.torchaudios)


RULE = Rule("torchaudio-mismatch", "torchaudio was made for another torch", Scope.VERSIONS, check)
