"""`compatmatrix matrix refresh`: learn from the indexes what came out after the matrix was made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from compatmatrix.cli.options import json_option
from compatmatrix.cli.output import counted, note, print_json, progress

if TYPE_CHECKING:
    from compatmatrix.matrix import Matrix


@click.command("refresh")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write there, and leave FILE as it is."
)
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--index-url", default="", metavar="URL", help="The base package index, instead of pip's own setting.")
@click.option("--torch-index-url", default="", metavar="URL", help="A mirror of the PyTorch index, without the build.")
@click.option(
    "--index",
    type=click.Choice(["auto", "both", "pypi", "pytorch"]),
    default="auto",
    help="Which indexes to ask; auto: both, and without PyTorch's where that cannot be reached.",
)
@click.option("--build", "builds", multiple=True, metavar="TAG", help="A build to look for besides those known.")
@click.option("--measure", is_flag=True, help="Read the architectures out of new wheels (some 20 MB each).")
@click.option("--all", "everything", is_flag=True, help="Read METADATA of known releases again as well (minutes).")
@json_option
def refresh_command(
    file: Path | None,
    output: Path | None,
    dry_run: bool,
    index_url: str,
    torch_index_url: str,
    index: str,
    builds: tuple[str, ...],
    measure: bool,
    everything: bool,
    as_json: bool,
) -> int:
    """Learn what came out after the matrix was made: releases, builds, Pythons, partners.

    Without FILE it writes your own copy of the matrix, which every command then takes as long as the tool itself is
    not upgraded; with FILE it edits that file. Rows are added and cells are set; none is ever dropped or blanked.
    Reads project pages and METADATA, never a whole wheel. The change is shown; if anything fails, nothing is written.
    """
    from datetime import UTC, datetime

    from compatmatrix.probe.own_matrix import matrix_in_force, own_matrix, shipped_matrix, with_base
    from compatmatrix.refresh.base import base_index
    from compatmatrix.refresh.edit import diff, edited
    from compatmatrix.refresh.learn import learn
    from compatmatrix.refresh.sources import Sources

    in_force = matrix_in_force()
    source = file or in_force.path
    before, matrix = _read(source)
    sources = Sources(
        pypi=base_index(index_url) if index != "pytorch" else "",
        pytorch=(torch_index_url.rstrip("/") or matrix.pytorch_index) if index != "pypi" else "",
        builds=builds,
        measure=measure,
        everything=everything,
        optional=index == "auto",
        today=datetime.now(UTC).date(),
    )
    learned = learn(matrix, sources, progress)
    after = edited(before, learned.rows, learned.changes, str(source))
    for sentence in learned.notes:
        note(sentence)
    target = output or file or own_matrix()
    own = not output and not file
    written = None
    if not dry_run and (after != before or output or (own and in_force.aside)):
        written = target
        if own and in_force.aside:
            _keep_what_is_lost(in_force.aside, after)
        _write(target, with_base(after, shipped_matrix()) if own else after, own=own)
    if as_json:
        added = [{"table": table, **cells} for table, cells in learned.rows]
        changed = [{"table": each.table, "row": each.name, "cells": each.cells} for each in learned.changes]
        answer = {"schema": 1, "command": "matrix refresh", "file": str(source), "added": added, "changed": changed}
        print_json({**answer, "notes": list(learned.notes), "written": str(written) if written else None})
    else:
        click.echo(diff(before, after, source.name), nl=False)
        where = f", written to {written}" if written else ""
        click.echo(f"{counted(len(learned.rows), 'new row')}, {counted(len(learned.changes), 'changed row')}{where}")
    return 0


def _read(source: Path) -> tuple[str, Matrix]:
    """The text of a matrix file, and its rows."""
    from compatmatrix.errors import BadInput
    from compatmatrix.matrix import Matrix
    from compatmatrix.matrix.validate import parse_and_validate

    try:
        raw = source.read_bytes()
    except OSError as error:
        raise BadInput(f"{source}: {error.strerror or error}") from error
    return raw.decode("utf-8", "replace"), Matrix(parse_and_validate(raw, str(source)), "")


def _keep_what_is_lost(aside: Path, after: str) -> None:
    """Rows of an older copy that neither the shipped matrix nor the index has were put there by hand: they are kept."""
    import tomllib

    from compatmatrix.atomic import write_atomically

    try:
        old = aside.read_text(encoding="utf-8")
        tables = tomllib.loads(old)
    except (OSError, ValueError):
        return
    new = tomllib.loads(after)
    lost = [key for name, rows in tables.items() for key in _keys(name, rows) - _keys(name, new.get(name))]
    if lost:
        kept = aside.with_suffix(".old.toml")
        write_atomically(kept, old)
        note(f"{counted(len(lost), 'row')} of the older copy ({'; '.join(sorted(lost)[:3])} …) kept in {kept}")


def _keys(name: str, rows: object) -> set[str]:
    """What names the rows of a table."""
    from compatmatrix.matrix.schema import TABLES

    if name not in TABLES or not isinstance(rows, list):
        return set()
    return {f"[[{name}]] " + ", ".join(str(row.get(column)) for column in TABLES[name].key) for row in rows}


def _write(target: Path, text: str, *, own: bool) -> None:
    """The file, and beside it the compiled form where there is one: it makes loading quick."""
    from compatmatrix.atomic import write_atomically
    from compatmatrix.errors import BadInput
    from compatmatrix.matrix.load import compile_matrix, compiled_path

    if own:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(
                f"cannot make the folder {target.parent}: {error.strerror or error}",
                hint="name another file with -o, and give it to each command with --matrix",
            ) from error
    write_atomically(target, text)
    if own or compiled_path(target).exists():
        write_atomically(compiled_path(target), compile_matrix(target))
