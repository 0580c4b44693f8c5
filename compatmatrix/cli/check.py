"""`compatmatrix check`: judge what is there."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import click

from compatmatrix.cli.options import HostOptions, host_options, json_option, offline_option, strict_option
from compatmatrix.cli.output import counted, host_lines, print_findings, print_json, stack_line
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.host import Host
from compatmatrix.model.stack import Stack
from compatmatrix.probe.interpreter import Interpreter, active_interpreter
from compatmatrix.rules import RULES, Case, judge


class Judged(NamedTuple):
    """One thing judged: an environment (interpreter given) or a file."""

    what: str
    stack: Stack
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    interpreter: Interpreter | None = None


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@host_options
@strict_option
@offline_option
@json_option
def command(files: tuple[Path, ...], where: HostOptions, strict: bool, offline: bool, as_json: bool) -> int:
    """Judge the installed environment, or requirements files, on this host.

    Without FILES it looks at the installed environment: the active one, then ./.venv, then python3 on PATH, or the
    one named with --python. None of its code is run. Exit status 1 means that it does not work.
    """
    matrix = where.matrix()
    if files:
        # A file is no environment: what python3 on PATH happens to be says nothing about it.
        host = where.host(matrix, where.interpreter() if where.python else active_interpreter(), search=False)
        judged = [_judge_file(path, host, matrix) for path in files]
    else:
        interpreter = where.interpreter()
        host = where.host(matrix, interpreter)
        judged = [_judge_environment(interpreter, host, matrix)]
    findings = [finding for one in judged for finding in one.findings]
    verdict = _verdict(findings, judged)
    if as_json:
        print_json(
            {
                "schema": 1,
                "command": "check",
                "verdict": verdict,
                "findings": [finding.to_dict() for finding in findings],
                "stack": {name: pin for one in judged for name, pin in one.stack.to_dict().items()},
                "host": host.to_dict(),
                "notes": [note for one in judged for note in one.notes],
            }
        )
    elif files:
        _show_files(judged)
    else:
        _show_environment(judged[0], host, matrix, verdict)
    bad = any(strict or finding.severity is Severity.ERROR for finding in findings)
    return 1 if bad or (strict and verdict == "unknown") else 0


def _judge_environment(interpreter: Interpreter, host: Host, matrix: Matrix) -> Judged:
    from compatmatrix.probe.installed import installed_stack

    installed = installed_stack(interpreter.site_packages, prefix=interpreter.prefix)
    findings = judge(Case.of(installed.stack, host, matrix), RULES)
    notes = (*interpreter.notes, *installed.notes)
    return Judged(f"{interpreter.path} ({interpreter.origin})", installed.stack, findings, notes, interpreter)


def _judge_file(path: Path, host: Host, matrix: Matrix) -> Judged:
    from compatmatrix.manifests.requirements import read_requirements

    manifest = read_requirements(path)
    findings = judge(Case.of(manifest.stack, host, matrix), RULES)
    placed = tuple(finding._replace(where=manifest.place_of(finding.packages)) for finding in findings)
    return Judged(str(path), manifest.stack, placed, ())


def _verdict(findings: list[Finding], judged: list[Judged]) -> str:
    severities = {finding.severity for finding in findings}
    if Severity.ERROR in severities:
        return "incompatible"
    nothing = not any("torch" in one.stack or "fastai" in one.stack for one in judged)
    return "unknown" if nothing or Severity.UNKNOWN in severities else "compatible"


def _show_files(judged: list[Judged]) -> None:
    for one in judged:
        print_findings(one.findings)


def _show_environment(judged: Judged, host: Host, matrix: Matrix, verdict: str) -> None:
    click.echo(f"{judged.what}: {stack_line(judged.stack)}")
    for line in host_lines(host):
        click.secho(f"  {line}", dim=True)
    for note in judged.notes:
        click.echo(f"note: {note}")
    print_findings(judged.findings)
    _show_repair(judged, matrix)
    errors = sum(finding.severity is Severity.ERROR for finding in judged.findings)
    others = len(judged.findings) - errors
    counts = [counted(errors, "error")] * bool(errors) + [counted(others, "open point")] * bool(others)
    colour = {"compatible": "green", "incompatible": "red"}.get(verdict, "cyan")
    reason = ", ".join(counts)
    if "torch" not in judged.stack and "fastai" not in judged.stack:
        reason = "nothing to judge here; name an environment with --python"
    click.secho(f"{verdict}{f' ({reason})' if reason else ''}", fg=colour, bold=True)


def _show_repair(judged: Judged, matrix: Matrix) -> None:
    from compatmatrix.cli.repair import repair_command, requirements_of

    errors = [finding for finding in judged.findings if finding.severity is Severity.ERROR]
    requirements = requirements_of(errors)
    if judged.interpreter and requirements:
        click.echo("repair:")
        click.echo(f"  {repair_command(requirements, judged.interpreter, judged.stack, matrix.pytorch_index)}")
