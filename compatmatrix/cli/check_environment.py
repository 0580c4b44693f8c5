"""`check` on the installed environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from compatmatrix.cli.judged import Judged, verdict_on
from compatmatrix.cli.options import HostOptions
from compatmatrix.cli.output import counted, host_lines, print_findings, stack_line
from compatmatrix.matrix.matrix import TORCH_FAMILY, Matrix
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.host import Host
from compatmatrix.model.stack import Stack
from compatmatrix.probe.interpreter import Interpreter
from compatmatrix.probe.trouble import LIBRARIES
from compatmatrix.rules import Case, judge

if TYPE_CHECKING:
    from compatmatrix.cli.repair import Plan
    from compatmatrix.probe.installed import Installed


def judge_on_hosts(where: HostOptions, matrix: Matrix, interpreter: Interpreter | None = None) -> list[Judged]:
    """The environment judged for each host that the user names, else for the one. interpreter: already found."""
    if not where.names_hosts:
        return [judge_environment(where, matrix, interpreter)]
    interpreter = interpreter or where.interpreter()
    return [
        judge_environment(where, matrix, interpreter, target.host)._replace(on=target.name)
        for target in where.targets(matrix, interpreter)
    ]


def judge_environment(
    where: HostOptions, matrix: Matrix, interpreter: Interpreter | None = None, host: Host | None = None
) -> Judged:
    """Look at the environment that the user means and judge it; none of its code is run.

    interpreter, host: what was already found.
    """
    from compatmatrix.probe.installed import installed_stack
    from compatmatrix.probe.live import import_path, look_live

    interpreter = interpreter or where.interpreter()
    host = host or where.host(matrix, interpreter)
    if where.python_version is None and interpreter.python.known:
        # A host file tells of another Python, which this environment is not.
        host = replace(host, python=interpreter.python)
    installed = installed_stack(import_path(interpreter), prefix=interpreter.prefix)
    troubles = look_live(interpreter, installed.stack, host)
    seen = tuple(trouble.finding for trouble in troubles)
    # What the interpreter's own note says was not looked at has been looked at here.
    notes = (*(note for note in interpreter.notes if not note.startswith("PYTHONPATH ")), *installed.notes)
    stack = _with_libraries(installed, matrix)
    judged = Judged(
        f"{interpreter.path} ({interpreter.origin})",
        stack,
        host,
        (),
        notes,
        interpreter,
        troubles,
        *_of_conda(installed, stack, interpreter),
    )
    findings = _without_guesses(judge(Case.of(stack, host, judged.seen_in(matrix)), judged.rules))
    if judged.conda:
        from compatmatrix.probe.conda import torn_family

        findings += tuple(torn_family(installed.stack, judged.conda))
    return judged._replace(findings=(*findings, *seen))


def _of_conda(installed: Installed, stack: Stack, interpreter: Interpreter) -> tuple[frozenset[str], Stack]:
    """The names of what conda installed, and conda's records of the torch family that pip's copies cover."""
    if not installed.conda:
        return frozenset(), Stack()
    from compatmatrix.probe.conda import covered

    same = {name for name, pin in installed.conda.items() if name in stack and stack[name].release == pin.release}
    family = [name for name in TORCH_FAMILY if name in installed.conda and name in stack]
    hidden = covered(interpreter.prefix, ["pytorch" if name == "torch" else name for name in family])
    over = {name for name in family if ("pytorch" if name == "torch" else name) in hidden or name not in same}
    return frozenset(same - over), Stack(installed.conda[name] for name in family if name in over)


def _with_libraries(installed: Installed, matrix: Matrix) -> Stack:
    """The stack, and what the matrix has limits on of those of conda's packages that Python does not see, such as MKL.

    Only where conda's torch is the one that is imported: wheels bring such libraries themselves.
    """
    stack, conda = installed.stack, installed.conda
    if "torch" not in conda or stack.release("torch") != conda.release("torch"):
        return stack
    named = {name for limit in matrix.limits for name in (limit.package, *limit.when)}
    return Stack([*stack.values(), *(pin for name, pin in conda.items() if name in named and name not in stack)])


def _without_guesses(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Without what is concluded from the names of NVIDIA's wheels: here their files themselves were looked at."""
    return tuple(
        finding
        for finding in findings
        if finding.code != LIBRARIES or not all(name.startswith("nvidia-") for name in finding.packages)
    )


def show_environment(judged: Sequence[Judged], plans: Sequence[Plan | None], verdict: str) -> None:
    """What was looked at, each finding, the repair, the verdict; of several hosts one after the other."""
    for one, plan in zip(judged, plans, strict=True):
        if one.on:
            click.secho(f"on {one.on}:", bold=True)
        show_found(one)
        _show_repair(one, plan)
        show_verdict(one, verdict_on([one]))
    if len(judged) > 1:
        failing = [one.on for one in judged if verdict_on([one]) == "incompatible"]
        say = f"fails on {', '.join(failing)}" if failing else f"{verdict} on all {len(judged)} hosts"
        click.secho(say, fg="red" if failing else "green" if verdict == "compatible" else "cyan", bold=True)


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


def repair_of(judged: Judged, matrix: Matrix) -> Plan | None:
    """The nearest repair where there are errors; None where there are none."""
    if judged.interpreter is None or not any(finding.severity is Severity.ERROR for finding in judged.findings):
        return None
    from compatmatrix.cli.environment_repair import plan_for

    return plan_for(judged, matrix)


def _show_repair(judged: Judged, plan: Plan | None) -> None:
    if plan is None:
        return
    if plan.lines:
        click.echo("repair:")
        for line in plan.lines:
            click.echo(f"  {line}")
    else:
        click.echo(
            "repair: none that another package version brings; compatmatrix fix says which facts stand in the way"
        )
