"""`compatmatrix matrix html`: the matrix as one page for a browser."""

from __future__ import annotations

from pathlib import Path

import click

from compatmatrix.cli.options import chosen_matrix
from compatmatrix.cli.output import progress


@click.command("html")
@click.option("-o", "--output", metavar="FILE", default="-", help="Write there; - or nothing is stdout.")
@click.option("--matrix", "matrix_file", type=click.Path(path_type=Path), metavar="FILE", help="Another matrix.")
def html_command(output: str, matrix_file: Path | None) -> int:
    """Write the matrix as one page: pick GPU, driver, Python and platform, and see which builds work and why not.

    One self-contained file, which asks nobody: it can lie on a disk, in a wiki or on a web server.
    """
    from compatmatrix.atomic import write_atomically
    from compatmatrix.page.page import render

    matrix = chosen_matrix(matrix_file)
    progress("asking the rules about every build")
    page = render(matrix)
    if output == "-":
        click.echo(page, nl=False)
    else:
        write_atomically(output, page)
    return 0
