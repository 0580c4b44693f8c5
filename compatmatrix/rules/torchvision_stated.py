"""torchvision against torch where the matrix alone cannot tell: releases older than it, and builds without a tag.

A torchvision without a local version, installed by pip, is PyPI's: on Linux x86-64 a CUDA build, of the CUDA that
PyPI's torch of the same day has; on Windows one without CUDA.
"""

from __future__ import annotations

from collections.abc import Iterator

from packaging.version import Version

from compatmatrix.matrix.rows import admits
from compatmatrix.matrix.tokens import load_tokens
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope

_SIGNS = ("nms-missing", "torchvision-symbol", "torchvision-cuda-major", "nms-backend", "torchvision-imports-torch")


_MIXING = ("linux-x86_64", "windows-amd64")
"""Where PyPI has one build of torchvision and PyTorch's indexes have others of the same release."""

_FIRST_COMPILED = Version("0.3")
"""Earlier releases are pure Python and ask for no certain torch."""


def pairs(torch: Version, torchvision: Version, case: Case) -> bool | None:
    """Whether two releases go together: by the matrix, then by the table of old releases; None where not known."""
    row = case.matrix.torchvisions.get(torchvision)
    if row and torch in case.matrix.torches:
        return admits(row.torch, torch)
    if torchvision < _FIRST_COMPILED:
        return None
    old = load_tokens().torches
    partner = old.get(torch)
    made_for = {row.torchvision.release[:2] for row in old.values()}
    others = {other for other, row in old.items() if row.torchvision == torchvision}
    if partner and others and all(other.release[:2] != torch.release[:2] for other in others):
        return False  # 0.4.1 came out with torch 1.3.0, though 0.4 belongs to 1.2 as well
    if partner and (torchvision.release[:2] in made_for or row):
        return partner.torchvision.release[:2] == torchvision.release[:2]
    if row and not torch.is_prerelease and torch < min(case.matrix.torches):
        return False
    if (
        torch in case.matrix.torches
        and torchvision.release[:2] in made_for
        and torchvision not in case.matrix.torchvisions
    ):
        return False
    return None


def check(case: Case) -> Iterator[Finding]:
    torch, partner = case.stack.get("torch"), case.stack.get("torchvision")
    if torch is None or partner is None:
        return
    seen = case.observed.sign(*_SIGNS)
    known = torch.release in case.matrix.torches and partner.release in case.matrix.torchvisions
    if not known and pairs(torch.release, partner.release, case) is False:
        yield Finding(
            RULE.code,
            Severity.ERROR,
            f"torchvision {partner.version} does not fit torch {torch.version}: they are of different releases",
            "install the torchvision that came out with this torch",
            fix=_fix(torch.release),
            packages=("torch", "torchvision"),
            evidence=tuple(row.evidence for row in [load_tokens().torches.get(torch.release)] if row),
        )
        return
    if case.observed.installer == "conda" or partner.flavour or partner.version.local or not torch.version.local:
        return
    platform = case.host.platform.value
    if platform not in _MIXING or torch.flavour is None or torch.version.is_prerelease:
        return
    default = case.matrix.default_build(torch.release, platform)
    if default is None or pairs(torch.release, partner.release, case) is not True:
        return
    ours = Cuda.from_tag(torch.flavour)
    if ours is None if default.cuda is None else ours is not None and ours.major == default.cuda.major:
        return
    wish = default.cuda is None and "requested" in partner.origin
    certain = seen is not None or (case.host.platform.origin != "assumed" and not wish)
    yield Finding(
        RULE.code,
        Severity.ERROR if certain else Severity.WARNING,
        f"torchvision {partner.version} without a build tag is PyPI's, built for {default.build}; torch "
        f"{torch.version} is "
        f"built for {torch.flavour}: its compiled operators will not load",
        "install both from the same index (pip counts torchvision as satisfied otherwise: force the reinstall)",
        fix=(f"torchvision=={partner.version}+{torch.flavour}",),
        packages=("torch", "torchvision"),
        evidence=(default.evidence,),
    )


def _fix(torch: Version) -> tuple[str, ...]:
    row = load_tokens().torches.get(torch)
    return (f"torchvision=={row.torchvision}",) if row else ()


RULE = Rule("torchvision-mismatch", "torchvision of another release or build, as stated", Scope.VERSIONS, check)
