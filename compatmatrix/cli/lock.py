"""`compatmatrix lock`: decide, resolve, write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click

from compatmatrix.cli.closure_options import ClosureOptions, closure_options
from compatmatrix.cli.decide_options import DecideOptions, decide_options, say_host, say_refusal, shipped_proofs
from compatmatrix.cli.options import HostOptions, host_options, json_option, offline_option
from compatmatrix.cli.output import note, print_json, progress
from compatmatrix.emit import FORMATS, load
from compatmatrix.errors import UsageError
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.decision import Decision
from compatmatrix.model.lock import Lock
from compatmatrix.resolve.decide import Refusal, decide
from compatmatrix.resolve.question import Question


class Written(NamedTuple):
    """How a lock is to be written. render: another way than the format's own, which may look at the matrix."""

    form: str
    output: Path | None = None
    core: bool = False
    offline: bool = False
    universal: bool = False
    render: Callable[[Lock, Matrix], str] | None = None

    def text(self, lock: Lock, matrix: Matrix) -> str:
        """The lock in the format."""
        if self.form == "dockerfile" and self.render is None:
            from compatmatrix.cli.dockerfile import as_dockerfile

            return as_dockerfile(lock, matrix)
        return self.render(lock, matrix) if self.render else load(self.form).render(lock)


@click.command()
@decide_options
@click.option("-f", "--format", "form", type=click.Choice(list(FORMATS)), default="requirements", show_default=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write to this file, atomically; a folder where several hosts need several locks.",
)
@click.option("--core", is_flag=True, help="Stop after the decision: no network, milliseconds.")
@click.option(
    "--universal", is_flag=True, help="One lock over platforms: PyPI's builds on those that are not the host's."
)
@click.option(
    "--check",
    "checked",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write nothing: is this lock what would be made, and does it fit the host?",
)
@closure_options
@host_options
@offline_option
@json_option
def command(
    asked: DecideOptions,
    form: str,
    output: Path | None,
    core: bool,
    universal: bool,
    checked: Path | None,
    closure: ClosureOptions,
    where: HostOptions,
    offline: bool,
    as_json: bool,
) -> int:
    """Decide the stack for a host and write its whole closure with hashes.

    REQUIREMENTs are taken as pip takes them; fastai, torch and torchvision are always decided. The output installs with
    plain pip: pip install -r requirements.txt. Versions that the output file holds already are kept where they fit.
    """
    if checked is not None:
        if output or universal:
            raise UsageError("--check together with --output or --universal: it writes nothing, for one host")
        from compatmatrix.cli.lock_check import check_lock

        return check_lock(asked, closure, where, checked, core, offline, as_json)
    return write_lock(asked, closure, where, Written("json" if as_json else form, output, core, offline, universal))


def write_lock(asked: DecideOptions, closure: ClosureOptions, where: HostOptions, how: Written) -> int:
    """Decide, resolve and write in a format; the exit status."""
    if how.universal and (how.core or not load(how.form).universal):
        able = ", ".join(name for name in FORMATS if load(name).universal)
        raise UsageError("--universal: no such thing for --core" if how.core else f"--universal: only as {able}")
    matrix = where.matrix()
    targets = where.targets(matrix)
    if len(targets) > 1:
        from compatmatrix.cli.lock_many import write_locks

        return write_locks(asked, closure, targets, matrix, how)
    question = closure.added_to(asked.about(targets[0].host))
    say_host(question.host)
    made = core_text(question, matrix, how.form) if how.core else whole_text(question, closure, matrix, how)
    if isinstance(made, Refusal):
        say_refusal(made, question, matrix)
        if how.form == "json":
            print_json(_refusal_to_dict(made))
        return 1
    write_text(made, how.output)
    return 0


def core_text(question: Question, matrix: Matrix, form: str) -> str | Refusal:
    """The decision alone, as text."""
    made = decide(question, matrix, shipped_proofs())
    if isinstance(made, Refusal):
        return made
    say_notes(made)
    if form == "json":
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
    """The whole lock, as text. The versions in the file that is to be written are kept where they fit."""
    made = whole_lock(question, closure, matrix, how)
    if isinstance(made, Refusal):
        return made
    say_notes(made.decision)
    return how.text(made, matrix)


def whole_lock(question: Question, closure: ClosureOptions, matrix: Matrix, how: Written) -> Lock | Refusal:
    """The whole lock."""
    from compatmatrix.lock.make import make_lock

    existing = closure.existing(how.output)
    if existing is not None:
        from compatmatrix.lock.existing import keep_core

        kept, refused = keep_core(question, existing)
        for sentence in refused:
            note(sentence)
        if isinstance(decide(kept, matrix, shipped_proofs()), Decision):
            question = kept
        elif not refused:
            note(f"the stack in {how.output} no longer fits, so another one is decided")
    return make_lock(
        question,
        matrix,
        shipped_proofs(),
        closure.access(how.offline),
        progress=progress,
        preferences=existing.packages if existing else (),
        needs_files=load(how.form).needs_files,
        universal=how.universal,
    )


def say_notes(decision: Decision) -> None:
    """What the reader of a decision should know, on stderr."""
    for sentence in decision.notes:
        note(sentence)


def write_text(text: str, output: Path | None) -> None:
    """To a file, atomically, or to stdout."""
    if output is None:
        click.echo(text, nl=False)
        return
    from compatmatrix.atomic import write_atomically

    write_atomically(output, text)
    note(f"written to {output}")


def _refusal_to_dict(refusal: Refusal) -> dict[str, object]:
    return {
        "schema": 1,
        "command": "lock",
        "stack": None,
        "build": None,
        "index": {},
        "proof": None,
        "rejected": [rejection.to_dict() for rejection in refusal.rejected],
        "packages": [],
        "notes": list(refusal.notes),
    }
