"""A lock as text: the decision alone or the whole closure, in a format, to a file or to stdout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from compatmatrix.cli.closure_options import ClosureOptions
from compatmatrix.cli.decide_options import shipped_proofs
from compatmatrix.cli.output import note, progress
from compatmatrix.emit import load
from compatmatrix.errors import HeldBack
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.decision import Decision
from compatmatrix.model.finding import Finding
from compatmatrix.resolve.decide import Refusal, decide
from compatmatrix.resolve.question import Question

if TYPE_CHECKING:
    from compatmatrix.model.lock import Lock


class Written(NamedTuple):
    """How a lock is to be written. render: another way than the format's own, which may look at the matrix.

    strict: nothing is written where the stack has warnings. command: who asks. as_json: answer a refusal as JSON.
    shown: whether a text without a file goes to stdout; the caller does it otherwise.
    """

    form: str
    output: Path | None = None
    core: bool = False
    offline: bool = False
    universal: bool = False
    render: Callable[[Lock, Matrix], str] | None = None
    strict: bool = False
    command: str = "lock"
    as_json: bool = False
    shown: bool = True

    def text(self, lock: Lock, matrix: Matrix) -> str:
        """The lock in the format."""
        if self.form == "dockerfile" and self.render is None:
            from compatmatrix.lock.image import as_dockerfile

            return as_dockerfile(lock, matrix)
        return self.render(lock, matrix) if self.render else load(self.form).render(lock)


def core_text(question: Question, matrix: Matrix, how: Written) -> str | Refusal:
    """The decision alone, as text. Raises HeldBack."""
    made = decide(question, matrix, shipped_proofs())
    if isinstance(made, Refusal):
        return made
    if how.strict:
        hold_back(made, matrix)
    say_notes(made)
    if how.form == "json":
        import json

        from compatmatrix.emit.json import decision_to_dict

        return json.dumps(decision_to_dict(made), indent=2, ensure_ascii=False) + "\n"
    index = made.index_url
    if "@" in index:
        from compatmatrix.index import without_credentials

        index = without_credentials(index)
    lines = [f"--extra-index-url {index}"] * bool(index)
    return "\n".join([*lines, *made.requirements, *made.constraints]) + "\n"


def whole_text(question: Question, closure: ClosureOptions, matrix: Matrix, how: Written) -> str | Refusal:
    """The whole lock, as text. The versions in the file that is to be written are kept where they fit.

    Raises HeldBack.
    """
    made = whole_lock(question, closure, matrix, how)
    if isinstance(made, Refusal):
        return made
    if how.strict:
        hold_back(made.decision, matrix)
    say_notes(made.decision)
    return how.text(made, matrix)


def whole_lock(question: Question, closure: ClosureOptions, matrix: Matrix, how: Written) -> Lock | Refusal:
    """The whole lock."""
    from compatmatrix.lock.make import make_lock

    existing, proofs = closure.existing(how.output), shipped_proofs()
    notes: tuple[str, ...] = ()
    may_swap = True
    if existing is not None:
        from compatmatrix.lock.existing import keep

        kept = keep(question, existing, matrix, proofs)
        for sentence in kept.refused:
            note(sentence)
        if isinstance(decide(kept.question, matrix, proofs), Decision):
            question, notes, may_swap = kept.question, kept.notes, not existing.names("torch")
        elif not kept.refused:
            note(f"the stack in {how.output} no longer fits, so another one is decided")
    made = make_lock(
        question,
        matrix,
        proofs,
        closure.access(how.offline),
        progress=progress,
        preferences=existing.packages if existing else (),
        needs_files=load(how.form).needs_files,
        universal=how.universal,
        may_swap=may_swap,
    )
    if notes and not isinstance(made, Refusal):
        made = replace(made, decision=replace(made.decision, notes=(*notes, *made.decision.notes)))
    return made


def say_notes(decision: Decision) -> None:
    """What the reader of a decision should know, on stderr."""
    for sentence in decision.notes:
        note(sentence)


def warnings_of(decision: Decision, matrix: Matrix) -> tuple[Finding, ...]:
    """What warns of a stack that was decided: on each of its hosts, each warning once."""
    from compatmatrix.resolve.judgement import warnings_on
    from compatmatrix.rules.case import Case, find_build

    torch = decision.stack["torch"]
    cases = (
        Case(decision.stack, host, matrix, find_build(torch, host.platform.value or "", matrix), advise=False)
        for host in decision.hosts
    )
    return tuple(dict.fromkeys(finding for case in cases for finding in warnings_on(case)))


def hold_back(decision: Decision, matrix: Matrix) -> None:
    """Raise HeldBack where the stack has warnings."""
    found = warnings_of(decision, matrix)
    if found:
        raise HeldBack(
            [f"{finding.code}: {finding.message}" for finding in found],
            hint="nothing is written because of --strict; without it these are notes",
        )


def no_lock(command: str, refusal: Refusal | None = None, matrix: Matrix | None = None) -> dict[str, Any]:
    """The contract's answer where there is no lock: every key of one, null or empty."""
    return {
        "schema": 1,
        "command": command,
        "stack": None,
        "build": None,
        "index": {},
        "proof": None,
        "rejected": [rejection.to_dict() for rejection in refusal.rejected] if refusal else [],
        "packages": [],
        "requirements": [],
        "constraints": [],
        "notes": list(refusal.notes) if refusal else [],
        "matrix": matrix.digest if matrix else None,
        "host": None,
    }


def write_text(text: str, output: Path | None) -> None:
    """To a file, atomically, or to stdout."""
    if output is None:
        click.echo(text, nl=False)
        return
    from compatmatrix.atomic import write_atomically

    write_atomically(output, text)
    note(f"written to {output}")
