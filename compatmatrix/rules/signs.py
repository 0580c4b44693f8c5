"""Error texts as evidence: what `data/tokens.toml` says that they imply, where the facts do not speak against it."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.version import Version

from compatmatrix.matrix.rows import admits
from compatmatrix.matrix.tokens import Token, load_tokens
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.observed import Sign
from compatmatrix.rules.arch_stated import served_by_list
from compatmatrix.rules.case import Case
from compatmatrix.rules.torchvision_stated import pairs


def implied(case: Case) -> Iterator[tuple[Sign, Token, Finding]]:
    """Each error text with the finding that it implies by itself. Symptoms without a code imply none."""
    tokens = load_tokens().tokens
    for sign in case.observed.signs:
        token = tokens.get(sign.name)
        if token is None or not token.code or not _needs_hold(token, case):
            continue
        severity = Severity.WARNING if _refuted(sign, token, case) else Severity.ERROR
        yield sign, token, Finding(
            token.code,
            severity,
            f"{token.means} (line {sign.line}: “{sign.text}”)",
            token.hint,
            packages=token.packages,
            evidence=(token.evidence,),
        )  # fmt: skip


def _needs_hold(token: Token, case: Case) -> bool:
    for name, spec in token.needs.items():
        release: Version | None = case.stack.release(name)
        if release is None or not admits(spec, release):
            return False
    return True


def _refuted(sign: Sign, token: Token, case: Case) -> bool:
    """Whether the facts speak against what a text usually means."""
    host, torch, vision = case.host, case.stack.get("torch"), case.stack.get("torchvision")
    if sign.name == "sm-not-compatible":
        gpus = [gpu.capability for gpu in host.gpus.value or () if gpu.capability]
        archs = case.observed.archs
        return bool(gpus and archs) and all(served_by_list(archs, gpu, ptx=False) for gpu in gpus)
    if token.code == "cpu-build-on-gpu":
        return host.has_gpu is False or (host.platform.value or "macos-").startswith("macos-")
    if sign.name in ("nms-missing", "torchvision-symbol") and torch and vision:
        same = torch.flavour == vision.flavour and bool(torch.version.local) == bool(vision.version.local)
        return same and pairs(torch.release, vision.release, case) is True
    return False
