"""`compatmatrix inspect`: what is there."""

from __future__ import annotations

import click

from compatmatrix.cli.options import HostOptions, host_options, json_option, offline_option, only_one_host
from compatmatrix.cli.output import counted, host_lines, print_json, stack_line
from compatmatrix.probe.installed import installed_stack


@click.command()
@host_options
@offline_option
@json_option
def command(where: HostOptions, offline: bool, as_json: bool) -> int:
    """Show the host and the installed stack; the JSON is a host file that every --host accepts."""
    only_one_host(where, "inspect shows")
    matrix = where.matrix()
    interpreter = where.interpreter()
    host = where.host(matrix, interpreter)
    installed = installed_stack(interpreter.site_packages, prefix=interpreter.prefix)
    if as_json:
        environment = {
            "path": str(interpreter.path),
            "origin": interpreter.origin,
            "installer": interpreter.installer,
            "notes": [*interpreter.notes, *installed.notes],
        }
        stack = installed.stack.to_dict()
        print_json(
            {"schema": 1, "command": "inspect", "host": host.to_dict(), "environment": environment, "stack": stack}
        )
        return 0
    for line in host_lines(host):
        click.echo(line)
    click.echo(f"{interpreter.path} ({interpreter.origin}): {stack_line(installed.stack)}")
    click.echo(f"{counted(len(installed.stack), 'package')} installed")
    for note in (*interpreter.notes, *installed.notes):
        click.echo(f"note: {note}")
    click.echo()
    for name, fact in (
        ("platform", host.platform),
        ("libc", host.libc),
        ("python", host.python),
        ("driver", host.driver),
        ("gpus", host.gpus),
    ):
        how = f"from {fact.origin}" if fact.known else f"unknown: {fact.reason}"
        click.secho(f"{name:9} {how}", dim=True)
    return 0
