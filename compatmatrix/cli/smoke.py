"""`compatmatrix smoke`: train in the target interpreter."""

from __future__ import annotations

import click

from compatmatrix.cli.options import HostOptions, host_options, json_option
from compatmatrix.cli.output import print_json, progress
from compatmatrix.cli.probes import print_probes, smoke_to_dict
from compatmatrix.model.stack import Stack
from compatmatrix.probe.installed import installed_stack
from compatmatrix.prove.smoke import DEVICES, smoke


@click.command()
@host_options
@click.option("--device", type=click.Choice(list(DEVICES)), default="auto", show_default=True, help="Where to train.")
@click.option(
    "--timeout", type=click.FloatRange(min=1), default=600.0, show_default=True, help="Seconds for all of it."
)
@json_option
def command(where: HostOptions, device: str, timeout: float, as_json: bool) -> int:
    """Train in the target interpreter and report every probe.

    The environment is the active one, ./.venv, or the one named with --python. Synthetic data, fixed seeds, no network.
    Exit status 1 means that a probe failed.
    """
    matrix = where.matrix()
    interpreter = where.interpreter()
    progress(f"training with {interpreter.path}")
    result = smoke(interpreter.path, device=device, timeout=timeout, progress=progress)
    if as_json:
        host = where.host(matrix, interpreter)
        stack: Stack = installed_stack(interpreter.site_packages, prefix=interpreter.prefix).stack
        print_json({**smoke_to_dict("smoke", result, host), "stack": stack.versions()})
    else:
        click.echo(f"{interpreter.path} ({interpreter.origin})")
        print_probes(result)
    return 0 if result.passed else 1
