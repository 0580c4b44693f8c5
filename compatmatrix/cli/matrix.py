"""`compatmatrix matrix`: show, verify and refresh the facts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compatmatrix.cli.matrix_html import html_command
from compatmatrix.cli.matrix_refresh import refresh_command
from compatmatrix.cli.matrix_show import SUBJECTS, show
from compatmatrix.cli.matrix_show_hardware import Answer
from compatmatrix.cli.options import chosen_matrix, json_option, offline_option
from compatmatrix.cli.output import print_json, progress
from compatmatrix.errors import UsageError
from compatmatrix.matrix import Matrix

if TYPE_CHECKING:
    from compatmatrix.refresh.compare import Difference


@click.group()
def command() -> None:
    """Show, verify and refresh the facts behind the answers."""


_matrix_option = click.option(
    "--matrix", "matrix_file", type=click.Path(path_type=Path), metavar="FILE", help="Another matrix."
)


@command.command("show")
@click.argument("subject", required=False)
@click.argument("name", required=False)
@_matrix_option
@offline_option
@json_option
def show_command(subject: str | None, name: str | None, matrix_file: Path | None, offline: bool, as_json: bool) -> int:
    """Show what the matrix knows.

    \b
    matrix show                     how much it knows, and how
    matrix show torch 2.8           a release: builds, architectures, partners
    matrix show gpu "GTX 1080 Ti"   a GPU: capability, builds that serve it, last driver
    matrix show cuda 12.8           a CUDA release: drivers, targets, images
    matrix show fastai 2.7.12       a fastai release: what it asks for, what works
    matrix show limits numpy        what was found to break, all or of one package
    matrix show images 12.8         container images that exist, of a CUDA or a torch release
    matrix show conda 2.5.1         torch on conda channels
    """
    matrix = chosen_matrix(matrix_file)
    if subject is not None and subject not in SUBJECTS:
        raise UsageError(f"no such subject: {subject!r}", hint=f"one of: {', '.join(SUBJECTS)}")
    answer = show(matrix, subject, name)
    if as_json:
        print_json({"schema": 1, "command": "matrix show", "matrix": matrix.digest, **answer.data})
    else:
        _print_table(answer)
    return 0


@command.command("verify")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--online", is_flag=True, help="Also hold it against the package index, cell by cell.")
@click.option("--index-url", default="", metavar="URL", help="The base package index, instead of pip's own setting.")
@json_option
def verify_command(file: Path | None, online: bool, index_url: str, as_json: bool) -> int:
    """Check a matrix file against itself: shape, references, order, duplicates, evidence.

    All faults are listed, each with its line; exit status 3 if there are any. With --online each cell that
    differs from what the index's wheels say is listed with both values; exit status 1 if there are any.
    """
    from compatmatrix.errors import BadInput
    from compatmatrix.matrix.validate import parse_and_validate
    from compatmatrix.probe.own_matrix import matrix_in_force

    source = file or matrix_in_force().path
    try:
        raw = source.read_bytes()
    except OSError as error:
        raise BadInput(f"{source}: {error.strerror or error}") from error
    tables = parse_and_validate(raw, str(source))
    matrix = Matrix(tables, "")
    answer = show(matrix, None, None)
    found = _online(matrix, index_url) if online else None
    if as_json:
        extra = {"differences": [row._asdict() for row in found]} if found is not None else {}
        print_json({"schema": 1, "command": "matrix verify", "faults": [], **extra, **answer.data})
    else:
        click.echo(f"{source}: no faults")
        for row in found or ():
            click.echo(f"[[{row.table}]] {row.row}: {row.column}: {row.here} here, {row.there} on the index")
        if found is not None:
            click.echo(f"{len(found)} differences from the index")
        _print_table(answer)
    return 1 if found else 0


def _online(matrix: Matrix, index_url: str) -> list[Difference]:
    from compatmatrix.refresh.base import base_index
    from compatmatrix.refresh.compare import differences

    return differences(matrix, base_index(index_url), progress)


def _print_table(answer: Answer) -> None:
    for line in answer.lines:
        click.echo(line)
    if not answer.rows:
        return
    cells: list[list[Any]] = [list(answer.header), *([str(cell) for cell in row] for row in answer.rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(answer.header))]
    for number, row in enumerate(cells):
        text = "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        click.secho(text, bold=number == 0)


command.add_command(refresh_command)
command.add_command(html_command)
