"""`check` on the installed environment."""

from __future__ import annotations

import click

from compatmatrix.cli.judged import Judged
from compatmatrix.cli.options import HostOptions
from compatmatrix.cli.output import counted, host_lines, print_findings, stack_line
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.probe.interpreter import Interpreter
from compatmatrix.probe.live import LIBRARIES
from compatmatrix.rules import RULES, Case, judge


def judge_environment(where: HostOptions, matrix: Matrix, interpreter: Interpreter | None = None) -> Judged:
    """Look at the environment that the user means and judge it; none of its code is run.

    interpreter: one that was already found.
    """
    from compatmatrix.probe.installed import installed_stack
    from compatmatrix.probe.live import import_path, look_live

    interpreter = interpreter or where.interpreter()
    host = where.host(matrix, interpreter)
    installed = installed_stack(import_path(interpreter), prefix=interpreter.prefix)
    troubles = look_live(interpreter, installed.stack, host)
    seen = tuple(trouble.finding for trouble in troubles)
    findings = _without_guesses(judge(Case.of(installed.stack, host, matrix), RULES))
    # What the interpreter's own note says was not looked at has been looked at here.
    notes = (*(note for note in interpreter.notes if not note.startswith("PYTHONPATH ")), *installed.notes)
    return Judged(
        f"{interpreter.path} ({interpreter.origin})",
        installed.stack,
        host,
        (*findings, *seen),
        notes,
        interpreter,
        troubles,
        frozenset(installed.conda),
    )


def _without_guesses(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Without what is concluded from the names of NVIDIA's wheels: here their files themselves were looked at."""
    return tuple(
        finding
        for finding in findings
        if finding.code != LIBRARIES or not all(name.startswith("nvidia-") for name in finding.packages)
    )


def show_environment(judged: Judged, matrix: Matrix, verdict: str) -> None:
    """What was looked at, each finding, the repair, the verdict."""
    show_found(judged)
    _show_repair(judged, matrix)
    show_verdict(judged, verdict)


def show_found(judged: Judged) -> None:
    """What was looked at, and each finding."""
    click.echo(f"{judged.what}: {stack_line(judged.stack)}")
    for line in host_lines(judged.host):
        click.secho(f"  {line}", dim=True)
    for note in judged.notes:
        click.echo(f"note: {note}")
    print_findings(judged.findings)


def show_verdict(judged: Judged, verdict: str) -> None:
    """The last line: the verdict, with how many errors and open points there are."""
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
    from compatmatrix.cli.environment_repair import plan_for

    lines = plan_for(judged, matrix).lines
    if lines:
        click.echo("repair:")
        for line in lines:
            click.echo(f"  {line}")
    else:
        click.echo(
            "repair: none that another package version brings; compatmatrix fix says which facts stand in the way"
        )
