"""`compatmatrix fix`: the smallest change that makes an environment, or files, compatible."""

from __future__ import annotations

from pathlib import Path

import click

from compatmatrix.cli.options import HostOptions, host_options, json_option, offline_option, strict_option
from compatmatrix.resolve.question import IndexPolicy


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--apply", is_flag=True, help="Do it, then check again.")
@click.option(
    "--index",
    type=click.Choice([str(policy) for policy in IndexPolicy]),
    default=str(IndexPolicy.AUTO),
    show_default=True,
    help="Where other torch builds may come from.",
)
@click.option("--torch-index-url", default="", metavar="URL", help="A mirror of the PyTorch index, without the build.")
@host_options
@strict_option
@offline_option
@json_option
def command(
    files: tuple[Path, ...],
    apply: bool,
    index: str,
    torch_index_url: str,
    where: HostOptions,
    strict: bool,
    offline: bool,
    as_json: bool,
) -> int:
    """The smallest change that makes the environment, or the files, compatible.

    Packages that were asked for by name move last, then as few as possible move, as little as possible. Prints the
    commands for the installer that made the environment, or the difference to the files; --apply carries them out and
    checks again. For a warning alone only packages move that nobody asked for, with --strict the others as well. Exit
    status 0: nothing to do, or repaired; 1: broken still, or no repair exists.
    """
    policy = IndexPolicy(index)
    if files:
        from compatmatrix.cli.fix_files import fix_files

        return fix_files(files, where, policy, apply=apply, strict=strict, as_json=as_json)
    from compatmatrix.cli.fix_environment import fix_environment

    return fix_environment(where, policy, torch_index_url, apply=apply, strict=strict, offline=offline, as_json=as_json)
