"""`compatmatrix explain`: the reasons behind a decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from compatmatrix.cli.decide_options import DecideOptions, decide_options, say_host, shipped_proofs
from compatmatrix.cli.options import HostOptions, host_options, json_option, offline_option, strict_option
from compatmatrix.cli.output import counted, print_json, shortened
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.decision import Decision
from compatmatrix.model.host import Gpu
from compatmatrix.resolve.conflict import Cause, conflicts
from compatmatrix.resolve.decide import Refusal, decide
from compatmatrix.resolve.explanation import Group, grouped
from compatmatrix.resolve.notes import builds_serving, end_of_driver_support, torches_serving
from compatmatrix.resolve.question import Question
from compatmatrix.resolve.unlock import unlocked_by_driver, unlocked_by_python
from compatmatrix.rules.cudnn_floor import last_with_cudnn


@click.command()
@decide_options
@host_options
@strict_option
@offline_option
@json_option
def command(asked: DecideOptions, where: HostOptions, strict: bool, offline: bool, as_json: bool) -> int:
    """Why this stack, why not the others, what another driver unlocks.

    Where nothing fits, it names the smallest set of requirements and of facts of the host that cannot be met together.
    Answers from the matrix alone. Exit status 1 means that no stack fits.
    """
    matrix = where.matrix()
    question = asked.question(where, matrix)
    made = decide(question, matrix, shipped_proofs())
    groups = grouped(made.rejected)
    decision = made if isinstance(made, Decision) else None
    warned = _warned(decision, matrix) if decision and strict else 0
    status = 0 if decision and not warned else 1
    current = decision.stack.release("torch") if decision and decision.build != "cpu" else None
    unlocked = [
        {"driver": str(step.driver), "stack": step.decision.stack.versions(), "build": step.decision.build}
        for step in unlocked_by_driver(question, matrix, current)
    ]
    gpus = _about_gpus(question, matrix)
    sets = conflicts(question, matrix) if decision is None else ()
    by_python = any(cause.kind == "python" for causes in sets for cause in causes)
    other = unlocked_by_python(question, matrix) if by_python else None
    if as_json:
        print_json(
            {
                "schema": 1,
                "command": "explain",
                "stack": decision.stack.versions() if decision else None,
                "build": decision.build if decision else None,
                "rejected": [group.to_dict() for group in groups],
                "conflict": [cause.to_dict() for cause in (sets[0] if sets else ())],
                "conflicts": [[cause.to_dict() for cause in causes] for causes in sets],
                "notes": list(made.notes),
                "unlocked": unlocked,
                "other_python": _on_other_python(other) if other else None,
                "gpus": gpus,
                "host": question.host.to_dict(),
            }
        )
        return status
    say_host(question.host)
    _show(made, groups, unlocked, gpus, sets, _all_support(question, matrix))
    if other:
        step = _on_other_python(other)
        click.echo(f"Python {step['python']} would do: {', '.join(other.requirements)}")
    if warned:
        click.echo(f"{counted(warned, 'warning')} among the notes, and --strict was given: no")
    return status


def _warned(decision: Decision, matrix: Matrix) -> int:
    from compatmatrix.cli.lock_text import warnings_of

    return len(warnings_of(decision, matrix))


def _on_other_python(decision: Decision) -> dict[str, Any]:
    python = decision.host.python.value
    return {
        "python": python.minor if python else None,
        "stack": decision.stack.versions(),
        "build": decision.build,
    }


def _gpus(question: Question) -> tuple[Gpu, ...]:
    """The GPUs of all hosts, each kind once."""
    hosts = (question.host, *question.others)
    return tuple(dict.fromkeys(gpu for host in hosts for gpu in host.gpus.value or ()))


def _about_gpus(question: Question, matrix: Matrix) -> list[dict[str, Any]]:
    rows = []
    system = question.host.driver_system
    for gpu in _gpus(question):
        serving = torches_serving(question, matrix, gpu)
        row = matrix.capabilities.get(gpu.capability) if gpu.capability else None
        platform = question.host.platform.value or ""
        known = serving and all(build.cudnn or not build.cuda for build in matrix.builds_for(serving[0], platform))
        # Of a build whose cuDNN nobody looked at, nothing is said.
        with_cudnn = last_with_cudnn(gpu, platform, system, matrix) if known else None
        rows.append(
            {
                "name": gpu.name,
                "capability": str(gpu.capability) if gpu.capability else None,
                "family": row.name if row else None,
                "last_torch": str(serving[0]) if serving else None,
                "first_torch": str(serving[-1]) if serving else None,
                "last_torch_with_cudnn": str(with_cudnn.torch) if with_cudnn else None,
                "last_builds": builds_serving(question, matrix, gpu, serving[0]) if serving else [],
                "first_driver": row.first_driver if row else None,
                "last_driver": row.last_driver if row else None,
                "evidence": [row.evidence._asdict()] if row else [],
            }
        )
    return rows


def _all_support(question: Question, matrix: Matrix) -> list[str]:
    return list(end_of_driver_support(matrix, _gpus(question)))


def _show(
    made: Decision | Refusal,
    groups: Sequence[Group],
    unlocked: Sequence[dict[str, Any]],
    gpus: Sequence[dict[str, Any]],
    sets: Sequence[Sequence[Cause]],
    support: Sequence[str],
) -> None:
    if isinstance(made, Decision):
        click.secho(f"taken: {', '.join(made.requirements)}", fg="green", bold=True)
        source = made.index_url or "PyPI"
        proof = f", proof: {made.proof.words}" if made.proof else ""
        click.echo(f"  build {made.build} from {source}{proof}")
        if made.constraints:
            click.echo(f"  with {', '.join(made.constraints)}")
    else:
        click.secho("nothing fits", fg="red", bold=True)
        _show_conflicts(sets)
    if groups:
        click.echo("not taken, though preferred:" if isinstance(made, Decision) else "tried:")
    for group in groups:
        names = ", ".join(group.candidates[:5])
        more = f" and {len(group.candidates) - 5} more" if len(group.candidates) > 5 else ""
        click.echo(
            f"  {click.style(group.code, bold=True)}: {counted(len(group.candidates), 'candidate')}: {names}{more}"
        )
        click.echo(f"    {group.example.message}")
        for evidence in group.example.evidence:
            click.secho(f"    seen: {shortened(evidence.source)} ({evidence.checked})", dim=True)
    for sentence in dict.fromkeys((*made.notes, *support)):
        click.echo(f"note: {sentence}")
    for row in gpus:
        if row["last_torch"]:
            click.echo(
                f"{row['name']} ({row['capability']}): "
                f"torch {row['first_torch']} to {row['last_torch']} have code for it"
                + (f", the last as {', '.join(row['last_builds'])}" if row["last_builds"] else "")
                + _cudnn(row)
            )
        else:
            click.echo(f"{row['name']} ({row['capability']}): no torch in the matrix has code for it")
    for step in unlocked:
        click.echo(f"driver {step['driver']} would unlock torch {step['stack']['torch']} ({step['build']})")


def _cudnn(row: dict[str, Any]) -> str:
    last = row["last_torch_with_cudnn"]
    return f"; its cuDNN up to torch {last} only" if last and last != row["last_torch"] else ""


def _show_conflicts(sets: Sequence[Sequence[Cause]]) -> None:
    """Each set of facts that cannot be met together; what leaving one out gives can be said of a single set only."""
    for causes in sets:
        *others, last = map(str, causes)
        both = f"{', '.join(others)} and {last} cannot be met together" if others else f"{last} alone cannot be met"
        without = ("it", "either of them")[len(others)] if len(others) < 2 else "any one of them"
        click.echo(both if len(sets) > 1 else f"{both}; without {without} something fits")
    if len(sets) > 1:
        click.echo("each of these has to lose one of its facts before something fits")
