"""`compatmatrix lock`: decide, resolve, write."""

from __future__ import annotations

from pathlib import Path

import click

from compatmatrix.cli.decide_options import (
    DecideOptions,
    decide_options,
    proofs_folder,
    say_host,
    say_refusal,
    shipped_proofs,
)
from compatmatrix.cli.options import HostOptions, host_options, json_option, offline_option
from compatmatrix.cli.output import note, print_json, progress
from compatmatrix.emit import FORMATS, load
from compatmatrix.lock.access import Access
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.decision import Decision
from compatmatrix.resolve.decide import Refusal, decide
from compatmatrix.resolve.question import Question


@click.command()
@decide_options
@click.option("-f", "--format", "form", type=click.Choice(list(FORMATS)), default="requirements", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file, atomically.")
@click.option("--core", is_flag=True, help="Stop after the decision: no network, milliseconds.")
@click.option("--fresh", is_flag=True, help="Resolve anew even where a trained lock was shipped.")
@click.option("--index-url", help="The base package index, instead of uv's or pip's own setting.")
@host_options
@offline_option
@json_option
def command(
    asked: DecideOptions,
    form: str,
    output: Path | None,
    core: bool,
    fresh: bool,
    index_url: str | None,
    where: HostOptions,
    offline: bool,
    as_json: bool,
) -> int:
    """Decide the stack for a host and write its whole closure with hashes.

    REQUIREMENTs are taken as pip takes them; fastai, torch and torchvision are always decided. The output installs
    with plain pip: pip install -r requirements.txt.
    """
    return write_lock(
        asked,
        where,
        "json" if as_json else form,
        output,
        core,
        Access(offline, index_url, None if fresh else proofs_folder()),
    )


def write_lock(
    asked: DecideOptions, where: HostOptions, form: str, output: Path | None, core: bool, access: Access
) -> int:
    """Decide, resolve and write in a format; the exit status."""
    matrix = where.matrix()
    question = asked.question(where, matrix)
    say_host(question.host)
    made = _core(question, matrix, form) if core else _whole(question, matrix, form, access)
    if isinstance(made, Refusal):
        say_refusal(made, question, matrix)
        if form == "json":
            print_json(_refusal_to_dict(made))
        return 1
    _write(made, output)
    return 0


def _core(question: Question, matrix: Matrix, form: str) -> str | Refusal:
    made = decide(question, matrix, shipped_proofs())
    if isinstance(made, Refusal):
        return made
    _say_notes(made)
    if form == "json":
        import json

        from compatmatrix.emit.json import decision_to_dict

        return json.dumps(decision_to_dict(made), indent=2, ensure_ascii=False) + "\n"
    lines = [f"--extra-index-url {made.index_url}"] * bool(made.index_url)
    return "\n".join([*lines, *made.requirements, *made.constraints]) + "\n"


def _whole(question: Question, matrix: Matrix, form: str, access: Access) -> str | Refusal:
    from compatmatrix.lock.make import make_lock

    made = make_lock(question, matrix, shipped_proofs(), access, progress=progress)
    if isinstance(made, Refusal):
        return made
    _say_notes(made.decision)
    return load(form).render(made)


def _say_notes(decision: Decision) -> None:
    for sentence in decision.notes:
        note(sentence)


def _write(text: str, output: Path | None) -> None:
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
