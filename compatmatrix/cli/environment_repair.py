"""The repair of a judged environment: from what was found to a plan of commands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from compatmatrix.cli.judged import Judged
from compatmatrix.cli.repair import Plan, plan_of
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.finding import Severity
from compatmatrix.model.host import Host
from compatmatrix.model.stack import Stack
from compatmatrix.resolve.question import IndexPolicy
from compatmatrix.resolve.repair import ERRORS, Repair, limits_in, nearest_repair, tidied
from compatmatrix.rules import Case


def plan_for(
    judged: Judged,
    matrix: Matrix,
    *,
    index: IndexPolicy = IndexPolicy.AUTO,
    unwanted: frozenset[Severity] = ERRORS,
    pytorch_index: str = "",
    others: Sequence[Host] = (),
) -> Plan:
    """The nearest repair of an environment as commands for its installer; no index is asked.

    The packages that the user asked for by name move last, and for an error only; the others for a warning, too.
    pytorch_index: a mirror's base address. others: further hosts that the environment is for.
    """
    assert judged.interpreter is not None
    # NVIDIA's wheels follow torch; what is wrong with their files is told, and taken away, by the troubles.
    stack = Stack(pin for pin in uncovered_stack(judged).values() if not pin.name.startswith("nvidia-"))
    pinned = _asked_for(judged)
    if "torch" in judged.conda:
        matrix, index = judged.seen_in(matrix), IndexPolicy.AUTO
    repair = nearest_repair(
        stack, judged.host, matrix, pinned=pinned, index=index, unwanted=unwanted, rules=judged.rules, others=others
    )
    if repair is not None:
        repair = repair if others else tidied(repair, stack, judged.host, matrix, pinned, judged.rules)
    base = pytorch_index.rstrip("/") or matrix.pytorch_index
    limits = limits_in(Case.of(repair.stack if repair else stack, judged.host, matrix))
    left = _left_behind(repair, stack, judged.interpreter.site_packages)
    return plan_of(
        repair,
        judged.troubles,
        judged.interpreter,
        stack,
        base,
        judged.conda,
        limits,
        left,
        _anew(judged),
        judged.covered,
    )


def _asked_for(judged: Judged) -> frozenset[str]:
    """What the user asked for by name. conda's packages carry the note of the pip that built them; conda keeps its
    own record of what it was asked for."""
    from compatmatrix.probe.conda import asked_for
    from compatmatrix.probe.live import requested

    assert judged.interpreter is not None
    by_pip = requested(judged.interpreter.site_packages) - judged.conda
    if not judged.conda:
        return by_pip
    named = {"torch" if name.startswith("pytorch") else name for name in asked_for(judged.interpreter.prefix)}
    return by_pip | (named & judged.conda)


def _anew(judged: Judged) -> tuple[str, ...]:
    """What findings ask of NVIDIA's wheels: they are no part of the stack whose repair is looked for."""
    errors = (finding for finding in judged.findings if finding.severity is Severity.ERROR)
    return tuple(text for finding in errors for text in finding.fix if text.startswith("nvidia-"))


def _left_behind(repair: Repair | None, stack: Stack, site_packages: Sequence[Path]) -> tuple[str, ...]:
    """NVIDIA's wheels of the CUDA that torch leaves: they write into the folders of those that come."""
    from compatmatrix.probe.nvidia_wheels import only_for_torch

    before, after = stack.get("torch"), repair.stack.get("torch") if repair else None
    old = Cuda.from_tag(before.flavour) if before and before.flavour else None
    new = Cuda.from_tag(after.flavour) if after and after.flavour else None
    if old is None or new is None or old.major == new.major:
        return ()
    return only_for_torch(site_packages, old.major)


def uncovered_stack(judged: Judged) -> Stack:
    """The stack once copies that hide others are out of the way."""
    from compatmatrix.probe.installed import installed_stack
    from compatmatrix.probe.live import import_path

    hiding = [trouble for trouble in judged.troubles if trouble.without]
    if not hiding or judged.interpreter is None:
        return judged.stack
    whole = {trouble.without for trouble in hiding if trouble.shell}
    names = {name for trouble in hiding for name in trouble.remove}
    prefix = judged.interpreter.prefix
    path = [folder for folder in import_path(judged.interpreter) if folder not in whole]
    stack = installed_stack(path, prefix=prefix).stack
    if not names:
        return stack
    below = [folder for folder in path if folder not in {trouble.without for trouble in hiding}]
    under = installed_stack(below, prefix=prefix).stack
    return Stack([*(pin for name, pin in stack.items() if name not in names), *(under[n] for n in names if n in under)])
