"""`compatmatrix lock`: decide, resolve, write."""

from __future__ import annotations

from pathlib import Path

import click

from compatmatrix.cli.closure_options import ClosureOptions, closure_options
from compatmatrix.cli.decide_options import DecideOptions, decide_options
from compatmatrix.cli.lock_text import Written
from compatmatrix.cli.options import HostOptions, host_options, json_option, offline_option, strict_option
from compatmatrix.cli.write_lock import write_lock
from compatmatrix.emit import FORMATS
from compatmatrix.errors import UsageError

_OF_CORE = ("requirements", "json")


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
@strict_option
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
    strict: bool,
    offline: bool,
    as_json: bool,
) -> int:
    """Decide the stack for a host and write its whole closure with hashes.

    REQUIREMENTs are taken as pip takes them; fastai, torch and torchvision are always decided. The output installs with
    plain pip: pip install -r requirements.txt. Versions that the output file holds already are kept where they fit.
    """
    if as_json and form not in ("requirements", "json"):
        raise UsageError(f"--json together with -f {form}: which of them?", hint="--json is -f json")
    form = "json" if as_json else form
    if core and checked is None and form not in _OF_CORE:
        raise UsageError(f"--core has no {form}: it stops before packages", hint=f"one of: {', '.join(_OF_CORE)}")
    if checked is not None:
        if output or universal:
            raise UsageError("--check together with --output or --universal: it writes nothing, for one host")
        from compatmatrix.cli.lock_check import check_lock

        return check_lock(asked, closure, where, checked, core, offline, strict, as_json)
    return write_lock(asked, closure, where, Written(form, output, core, offline, universal, strict=strict))
