"""`compatmatrix lock` for several hosts: one lock for all, or the fewest, each in a file of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from compatmatrix.cli.closure_options import ClosureOptions
from compatmatrix.cli.decide_options import DecideOptions, say_refusal, shipped_proofs
from compatmatrix.cli.lock_text import Written, core_text, no_lock, whole_text, write_text
from compatmatrix.cli.output import counted, note, print_json
from compatmatrix.emit import load
from compatmatrix.errors import BadInput, CompatmatrixError, UsageError
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.resolve.decide import Refusal
from compatmatrix.resolve.targets import Share, Target, Unserved, decide_all


def write_locks(
    asked: DecideOptions, closure: ClosureOptions, targets: Sequence[Target], matrix: Matrix, how: Written
) -> int:
    """Decide for all, say who gets which, write. Nothing is written where a host is left without."""
    question = closure.added_to(asked.about(targets[0].host))
    answer = decide_all(question, targets, matrix, shipped_proofs())
    for lost in answer.unserved:
        click.echo(f"{lost.target.name}:", err=True)
        say_refusal(lost.refusal, lost.question, matrix)
    if answer.unserved:
        if how.form == "json" or how.as_json:
            nobody = no_lock(how.command, matrix=matrix)
            print_json({**nobody, "locks": [], "unserved": _unserved(answer.unserved)})
        return 1
    shares = answer.shares
    many = len(shares) > 1
    note(f"{counted(len(shares), 'lock')} for {counted(len(targets), 'host')}")
    files = _files(shares, how)
    texts = []
    for share, file in zip(shares, files, strict=True):
        torch = share.decision.stack["torch"]
        where = f"{file}: " if file and many else ""
        note(f"{where}torch {torch.version} ({share.decision.build}) for {', '.join(t.name for t in share.targets)}")
        one = how._replace(output=file)
        try:
            made = (
                core_text(share.question, matrix, how) if how.core else whole_text(share.question, closure, matrix, one)
            )
        except CompatmatrixError:
            if many:
                note(f"no lock for {', '.join(t.name for t in share.targets)}, so none is written")
            raise
        if isinstance(made, Refusal):
            say_refusal(made, share.question, matrix)
            if how.form == "json" or how.as_json:
                print_json({**no_lock(how.command, made, matrix), "host": share.question.host.to_dict()})
            return 1
        texts.append(made)
    if how.output is None and many:
        _print(shares, texts, how)
        return 0
    if many and how.output:
        _make_folder(how.output)
    for text, file in zip(texts, files, strict=True):
        if file or how.shown:
            write_text(text, file)
    return 0


def _files(shares: Sequence[Share], how: Written) -> list[Path | None]:
    """Where each lock goes: the file that was named, or one for each lock in the folder that was named."""
    output = how.output
    name = Path(load(how.form).filename)
    if len(shares) == 1:
        return [output / name if output and output.is_dir() else output]
    if output is None:
        if how.core or how.form == "json":
            return [None] * len(shares)
        raise UsageError(f"{len(shares)} locks are needed, one for each: {_who(shares)}", hint="name a folder with -o")
    if output.exists() and not output.is_dir():
        raise UsageError(f"{len(shares)} locks are needed and {output} is a file", hint="name a folder with -o")
    return [output / f"{name.stem}-{share.name}{name.suffix}" for share in shares]


def _who(shares: Sequence[Share]) -> str:
    return "; ".join(f"{share.name} for {', '.join(target.name for target in share.targets)}" for share in shares)


def _print(shares: Sequence[Share], texts: Sequence[str], how: Written) -> None:
    if how.form == "json":
        import json

        rows = [
            {"name": share.name, "hosts": [target.name for target in share.targets], **json.loads(text)}
            for share, text in zip(shares, texts, strict=True)
        ]
        print_json({"schema": 1, "command": "lock", "locks": rows, "unserved": []})
        return
    for share, text in zip(shares, texts, strict=True):
        click.echo(f"# {share.name}: for {', '.join(target.name for target in share.targets)}\n{text}")


def _unserved(rows: Sequence[Unserved]) -> list[dict[str, object]]:
    return [
        {
            "host": lost.target.name,
            "rejected": [rejection.to_dict() for rejection in lost.refusal.rejected],
            "notes": list(lost.refusal.notes),
        }
        for lost in rows
    ]


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}", hint="name another folder with -o") from error
