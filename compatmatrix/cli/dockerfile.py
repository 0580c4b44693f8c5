"""`compatmatrix dockerfile`: the lock as a Dockerfile."""

from __future__ import annotations

from pathlib import Path

import click

from compatmatrix.cli.decide_options import DecideOptions, decide_options, proofs_folder
from compatmatrix.cli.lock import write_lock
from compatmatrix.cli.options import HostOptions, host_options, offline_option
from compatmatrix.lock.access import Access


@click.command()
@decide_options
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file, atomically.")
@click.option("--fresh", is_flag=True, help="Resolve anew even where a trained lock was shipped.")
@click.option("--index-url", help="The base package index, instead of uv's or pip's own setting.")
@host_options
@offline_option
def command(
    asked: DecideOptions, output: Path | None, fresh: bool, index_url: str | None, where: HostOptions, offline: bool
) -> int:
    """The same decision as a Dockerfile.

    The image is slim: the wheels bring CUDA, the host's driver comes in through the NVIDIA container toolkit.
    """
    return write_lock(
        asked, where, "dockerfile", output, False, Access(offline, index_url, None if fresh else proofs_folder())
    )
