"""`compatmatrix lock --check`: is a lock still what would be made, and does it still fit the host?"""

from __future__ import annotations

from pathlib import Path

import click

from compatmatrix.cli.closure_options import ClosureOptions
from compatmatrix.cli.decide_options import DecideOptions, say_host, shipped_proofs
from compatmatrix.cli.lock_text import warnings_of
from compatmatrix.cli.options import HostOptions
from compatmatrix.cli.output import note, print_findings, print_json, progress
from compatmatrix.lock.existing import Existing, differences, keep, read_existing
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.decision import Decision
from compatmatrix.model.finding import Finding
from compatmatrix.resolve.decide import Refusal, decide
from compatmatrix.resolve.question import Question


def check_lock(
    asked: DecideOptions,
    closure: ClosureOptions,
    where: HostOptions,
    path: Path,
    core: bool,
    offline: bool,
    strict: bool,
    as_json: bool,
) -> int:
    """Compare; the exit status is 0 where nothing would change, 1 where something would or the stack does not fit.

    strict: 1 as well where the stack has warnings, which are then among the findings.

    Versions that are merely not the newest are no difference: a lock is there to keep them. core: the stack alone,
    against the matrix, without a network.
    """
    existing = read_existing(path)
    matrix = where.matrix()
    question = closure.added_to(asked.question(where, matrix))
    say_host(question.host)
    kept, changes, _ = keep(question, existing, matrix, shipped_proofs())
    findings: tuple[Finding, ...] = ()
    if not changes:
        decision = decide(kept, matrix, shipped_proofs())
        if isinstance(decision, Refusal):
            findings = _findings(decision)
            changes = ("the locked stack does not fit this host",)
        else:
            _say_newer(question, decision, matrix)
            findings = warnings_of(decision, matrix) if strict else ()
            if not core:
                changes = _closure_changes(kept, closure, matrix, existing, offline=offline)
    if as_json:
        print_json(
            {
                "schema": 1,
                "command": "lock",
                "check": str(path),
                "up_to_date": not changes,
                "changes": list(changes),
                "findings": [finding.to_dict() for finding in findings],
            }
        )
    else:
        for sentence in changes:
            click.echo(f"{path}: {sentence}")
        print_findings(findings)
        click.echo(f"{path}: {'not up to date' if changes else 'up to date'}")
    return 1 if changes or findings else 0


def _closure_changes(
    question: Question, closure: ClosureOptions, matrix: Matrix, existing: Existing, *, offline: bool
) -> tuple[str, ...]:
    from compatmatrix.lock.make import make_lock

    made = make_lock(
        question,
        matrix,
        shipped_proofs(),
        closure.access(offline),
        progress=progress,
        preferences=existing.packages,
        may_swap=False,
    )
    return (
        ("the locked stack does not fit this host",)
        if isinstance(made, Refusal)
        else tuple(differences(existing, made))
    )


def _findings(refusal: Refusal) -> tuple[Finding, ...]:
    """What stands against the locked stack: each kind once."""
    found = {finding.code: finding for rejection in reversed(refusal.rejected) for finding in rejection.findings}
    return tuple(found.values())


def _say_newer(question: Question, decision: Decision, matrix: Matrix) -> None:
    """What a new lock would take; no reason to say that this one is out of date."""
    free = decide(question, matrix, shipped_proofs())
    if isinstance(free, Decision) and free.stack["torch"].release != decision.stack["torch"].release:
        note(f"without the locked versions torch {free.stack['torch'].version} would be taken: lock --upgrade")
