"""What torchvision-mismatch and torchaudio-mismatch share: a partner must match torch in version and flavour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from packaging.version import Version

from compatmatrix.matrix.rows import Partner, admits
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.stack import Pin
from compatmatrix.rules.case import Case


def check_partner(
    case: Case, code: str, name: str, rows: Mapping[Version, Partner], *, series: bool = False
) -> Iterator[Finding]:
    """Findings for one partner package of torch.

    Versions by the partner's row. Flavours by what the partner's compiled library links against: CPU against
    CUDA fails at import, and so do different CUDA majors; minors of one major are fine.

    series: any release of the minor that the partner was made for fits. conda-forge's packages ask for no more: pytorch
    hands its minor to what is built on it (pytorch-cpu-feedstock, run_exports with max_pin x.x).
    """
    torch, partner = case.stack.get("torch"), case.stack.get(name)
    if torch is None or partner is None:
        return
    row = rows.get(partner.release)
    known = torch.release in case.matrix.torches
    if row is None:
        if known:
            yield Finding(
                code,
                Severity.UNKNOWN,
                f"{name} {partner.release} is not in the matrix",
                "compatmatrix may be older than this release: update it",
                packages=(name,),
            )
        elif _clash(torch.flavour, partner.flavour):  # nightlies: their releases are not known, their builds are told
            yield _of_another_build(case, code, torch, partner)
        return
    if known and not _admitted(case, row, torch.release, series):
        yield Finding(
            code,
            Severity.ERROR,
            f"{name} {partner.version} does not fit torch {torch.version}: it was made for torch {row.torch}",
            fix=_fix(case, name),
            packages=("torch", name),
            evidence=(row.evidence,),
        )
    elif _clash(torch.flavour, partner.flavour):
        yield _of_another_build(case, code, torch, partner)._replace(evidence=(row.evidence,))


def _of_another_build(case: Case, code: str, torch: Pin, partner: Pin) -> Finding:
    name = partner.name
    return Finding(
        code,
        Severity.ERROR,
        f"{name} {partner.version} is built for {partner.flavour}, torch {torch.version} for {torch.flavour}: "
        f"its compiled operators will not load",
        f"install both from the same index (pip counts {name} as satisfied otherwise: force the reinstall)",
        fix=_fix(case, name),
        packages=("torch", name),
    )


def _admitted(case: Case, row: Partner, torch: Version, series: bool) -> bool:
    same = [other for other in case.matrix.torches if other.release[:2] == torch.release[:2]] if series else [torch]
    return any(admits(row.torch, other) for other in same)


def _clash(torch: str | None, partner: str | None) -> bool:
    if torch is None or partner is None or torch == partner:
        return False
    if torch.startswith("rocm") and partner.startswith("rocm"):
        return torch.partition(".")[0] != partner.partition(".")[0]
    ours, theirs = Cuda.from_tag(torch), Cuda.from_tag(partner)
    return ours is None or theirs is None or ours.major != theirs.major


def _fix(case: Case, name: str) -> tuple[str, ...]:
    torch = case.stack["torch"]
    partner = case.matrix.partner(name, torch.release)
    if partner is None:
        return ()
    local = f"+{torch.flavour}" if torch.version.local and torch.flavour else ""
    return (f"{name}=={partner.version}{local}",)
