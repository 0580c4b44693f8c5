"""`compatmatrix matrix refresh`: learn new releases from the indexes."""

from __future__ import annotations

from pathlib import Path

import click

from compatmatrix.cli.options import json_option
from compatmatrix.cli.output import note, print_json, progress


@click.command("refresh")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the refreshed matrix there."
)
@click.option("--index-url", default="", metavar="URL", help="The base package index, instead of pip's own setting.")
@click.option("--torch-index-url", default="", metavar="URL", help="A mirror of the PyTorch index, without the build.")
@click.option("--index", type=click.Choice(["both", "pypi", "pytorch"]), default="both", help="Which indexes to ask.")
@click.option("--build", "builds", multiple=True, metavar="TAG", help="A build to look for besides those known.")
@click.option("--measure", is_flag=True, help="Read the architectures out of new wheels (some 20 MB each).")
@json_option
def refresh_command(
    file: Path | None,
    output: Path | None,
    index_url: str,
    torch_index_url: str,
    index: str,
    builds: tuple[str, ...],
    measure: bool,
    as_json: bool,
) -> int:
    """Learn releases that came out after the matrix was made.

    Reads project pages and METADATA, never a whole wheel. Shows what would be added to FILE (default: the
    shipped matrix); -o writes it, and `--matrix FILE` then judges by it. Rows are only ever added.
    """
    from datetime import UTC, datetime

    from compatmatrix.atomic import write_atomically
    from compatmatrix.errors import BadInput
    from compatmatrix.matrix import Matrix
    from compatmatrix.matrix.load import data_folder
    from compatmatrix.matrix.validate import parse_and_validate
    from compatmatrix.refresh.base import base_index
    from compatmatrix.refresh.insert import diff, insert
    from compatmatrix.refresh.learn import Sources, learn

    source = file or data_folder() / "matrix.toml"
    try:
        raw = source.read_bytes()
    except OSError as error:
        raise BadInput(f"{source}: {error.strerror or error}") from error
    matrix = Matrix(parse_and_validate(raw, str(source)), "")
    newest = next(iter(matrix.torches), None)
    known = {build.build for build in matrix.builds.get(newest, ())} if newest else set()
    sources = Sources(
        pypi=base_index(index_url) if index != "pytorch" else "",
        pytorch=(torch_index_url.rstrip("/") or matrix.pytorch_index) if index != "pypi" else "",
        builds=tuple(sorted({*known, *builds})),
        measure=measure,
        today=datetime.now(UTC).date(),
    )
    learned = learn(matrix, sources, progress)
    before = raw.decode()
    after = insert(before, learned.rows, str(source))
    for sentence in learned.notes:
        note(sentence)
    if as_json:
        rows = [{"table": table, **cells} for table, cells in learned.rows]
        print_json({"schema": 1, "command": "matrix refresh", "added": rows, "notes": list(learned.notes)})
    else:
        click.echo(diff(before, after, source.name), nl=False)
        click.echo(f"{len(learned.rows)} new rows" + (f", written to {output}" if output else ""))
    if output:
        write_atomically(output, after)
    return 0
