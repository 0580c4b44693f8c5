"""`check` on the installed environment."""

from __future__ import annotations

import click

from compatmatrix.cli.judged import Judged
from compatmatrix.cli.options import HostOptions
from compatmatrix.cli.output import counted, host_lines, print_findings, stack_line
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.finding import Severity
from compatmatrix.rules import RULES, Case, judge


def judge_environment(where: HostOptions, matrix: Matrix) -> Judged:
    """Look at the environment that the user means and judge it; none of its code is run."""
    from compatmatrix.probe.installed import installed_stack

    interpreter = where.interpreter()
    host = where.host(matrix, interpreter)
    installed = installed_stack(interpreter.site_packages, prefix=interpreter.prefix)
    findings = judge(Case.of(installed.stack, host, matrix), RULES)
    notes = (*interpreter.notes, *installed.notes)
    return Judged(f"{interpreter.path} ({interpreter.origin})", installed.stack, host, findings, notes, interpreter)


def show_environment(judged: Judged, matrix: Matrix, verdict: str) -> None:
    """What was looked at, each finding, the repair, the verdict."""
    click.echo(f"{judged.what}: {stack_line(judged.stack)}")
    for line in host_lines(judged.host):
        click.secho(f"  {line}", dim=True)
    for note in judged.notes:
        click.echo(f"note: {note}")
    print_findings(judged.findings)
    _show_repair(judged, matrix)
    errors = sum(finding.severity is Severity.ERROR for finding in judged.findings)
    others = len(judged.findings) - errors
    counts = [counted(errors, "error")] * bool(errors) + [counted(others, "open point")] * bool(others)
    reason = "nothing to judge here; name an environment with --python" if judged.empty else ", ".join(counts)
    colour = {"compatible": "green", "incompatible": "red"}.get(verdict, "cyan")
    click.secho(f"{verdict}{f' ({reason})' if reason else ''}", fg=colour, bold=True)


def _show_repair(judged: Judged, matrix: Matrix) -> None:
    errors = [finding for finding in judged.findings if finding.severity is Severity.ERROR]
    if not errors or judged.interpreter is None:
        return
    from compatmatrix.cli.repair import repair_command, requirements_of

    requirements = requirements_of(errors)
    if requirements:
        click.echo("repair:")
        click.echo(f"  {repair_command(requirements, judged.interpreter, judged.stack, matrix.pytorch_index)}")
