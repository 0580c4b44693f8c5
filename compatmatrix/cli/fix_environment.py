"""`fix` on the installed environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import click

from compatmatrix.cli.check_environment import judge_on_hosts, show_found, show_verdict
from compatmatrix.cli.environment_repair import plan_for, uncovered_stack
from compatmatrix.cli.judged import Judged, verdict_on
from compatmatrix.cli.options import HostOptions
from compatmatrix.cli.output import command_line, note, print_json, progress
from compatmatrix.cli.repair import Plan, Words
from compatmatrix.errors import IndexUnavailable, ToolFailed
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.finding import Severity
from compatmatrix.model.host import Host
from compatmatrix.model.stack import Pin
from compatmatrix.probe.conda import PROGRAMS, conda_program
from compatmatrix.resolve.conda_builds import SOURCE
from compatmatrix.resolve.conflict import Cause, conflict
from compatmatrix.resolve.given import GIVEN
from compatmatrix.resolve.moves import Change
from compatmatrix.resolve.question import IndexPolicy, Prefer, Question
from compatmatrix.resolve.repair import ERRORS, Repair

_TIME_LIMIT = 3600.0
"""Seconds for one command; a CUDA build of torch is gigabytes."""
_KEPT = ("fastai", "torch", "torchvision", "torchaudio", "fastcore", "numpy", "pillow", "pandas")


class _Outcome(NamedTuple):
    """What fix came to. after: the environment after the repair, None where nothing was done."""

    judged: Judged
    plan: Plan | None
    notes: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    after: Judged | None = None
    unwanted: frozenset[Severity] = ERRORS


def fix_environment(
    where: HostOptions,
    policy: IndexPolicy,
    mirror: str,
    *,
    apply: bool,
    strict: bool,
    offline: bool,
    as_json: bool,
) -> int:
    """Repair the environment that the user means; the exit status. mirror: of the PyTorch index, empty for none.

    Raises IndexUnavailable where the one repair that exists needs an index that cannot be reached, ToolFailed where a
    command fails.
    """
    matrix = where.matrix()
    judged, others = _together(judge_on_hosts(where, matrix))
    unwanted = ERRORS | ({Severity.WARNING} if strict else set())
    if not as_json:
        show_found(judged)
    plan, notes, missing = _planned(judged, others, matrix, policy, mirror, unwanted, offline)
    if plan.repair is not None and not plan.lines:
        return _tell(_Outcome(judged, None, unwanted=unwanted), as_json, False, "nothing to do")
    if plan.repair and any(words[0] in PROGRAMS for words in plan.commands):
        notes = (*notes, *_what_conda_says(plan.repair, judged.host, matrix))
    outcome = _Outcome(judged, plan, notes, unwanted=unwanted)
    if plan.repair is None:
        outcome = outcome._replace(causes=_causes(judged, others, matrix))
    if not as_json:
        _show(outcome)
    if missing and apply:
        raise missing
    if not apply or not plan.commands:
        return _tell(outcome, as_json, apply)
    for words in plan.commands:
        _carry_out(words)
    # The same interpreter again: what was found by search must not be searched anew.
    outcome = outcome._replace(after=_together(judge_on_hosts(where, matrix, judged.interpreter))[0])
    return _tell(outcome, as_json, apply)


def _together(judged: Sequence[Judged]) -> tuple[Judged, tuple[Host, ...]]:
    """One environment on several hosts as one, with what was found on any of them; and the further hosts."""
    first, *rest = judged
    if not rest:
        return first, ()
    found = tuple(dict.fromkeys(finding for one in judged for finding in one.findings))
    troubles = tuple(dict.fromkeys(trouble for one in judged for trouble in one.troubles))
    failing = [one.on for one in judged if verdict_on([one]) == "incompatible"]
    notes = (*first.notes, f"judged for {', '.join(one.on for one in judged)}; fails on {', '.join(failing) or 'none'}")
    return first._replace(findings=found, troubles=troubles, notes=notes), tuple(one.host for one in rest)


def _what_conda_says(repair: Repair, host: Host, matrix: Matrix) -> Iterator[str]:
    if any(change.source == SOURCE for change in repair.changes):
        yield "of this channel's builds the matrix knows nothing: whether it has these versions, conda says"
    driver = host.driver.value
    if driver is None or host.driver.origin not in GIVEN:
        return
    system = host.driver_system
    made_with = [cuda for cuda, row in matrix.cudas.items() if system in row.drivers and row.drivers[system] <= driver]
    cuda = host.driver_cuda.value or max(made_with, default=None)
    if cuda:
        yield f"conda solves for this machine's driver; for the one that you named, set CONDA_OVERRIDE_CUDA={cuda}"


def _planned(
    judged: Judged,
    others: Sequence[Host],
    matrix: Matrix,
    policy: IndexPolicy,
    mirror: str,
    unwanted: frozenset[Severity],
    offline: bool,
) -> tuple[Plan, tuple[str, ...], IndexUnavailable | None]:
    """The plan, what to know of it, and why it cannot be carried out now.

    Under the policy "auto", a PyTorch index that cannot be asked, or has not the wheel, gives way to PyPI's builds.
    """
    plan = plan_for(judged, matrix, index=policy, unwanted=unwanted, pytorch_index=mirror, others=others)
    needed = plan.repair.from_pytorch if plan.repair else ()
    if not needed or offline:
        return plan, (), None
    missing = _missing(needed, judged.host, mirror or matrix.pytorch_index)
    if missing is None:
        return plan, (), None
    wanted = ", ".join(change.requirement for change in needed)
    if policy is IndexPolicy.AUTO:
        second = plan_for(judged, matrix, index=IndexPolicy.PYPI, unwanted=unwanted, others=others)
        if second.repair:
            says = f"the PyTorch index was not used ({missing.problems[0]}): PyPI's builds take the place of {wanted}"
            return second, (says,), None
    return plan, (f"{missing.problems[0]}; {wanted} cannot be installed from here", missing.hint), missing


def _missing(changes: Sequence[Change], host: Host, base: str) -> IndexUnavailable | None:
    from compatmatrix.index import has_wheel

    python = host.python.value
    tag = f"cp{python.minor.replace('.', '')}" if python else ""
    for change in changes:
        url = f"{base.rstrip('/')}/{change.pin.version.local}"
        progress(f"asking the PyTorch index for {change.requirement}")
        try:
            if not has_wheel(url, change.name, change.pin.version, tag, platform=host.platform.value or ""):
                return IndexUnavailable(f"{url} has no {change.requirement} for {tag}", slug="wheel-missing")
        except IndexUnavailable as error:
            return error
    return None


def _causes(judged: Judged, others: Sequence[Host], matrix: Matrix) -> tuple[Cause, ...]:
    """Which facts of the host leave no stack at all; empty where some other stack, not near this one, would fit."""
    hosts = (judged.host, *others)
    if not all(host.platform.known and host.python.known and host.gpus.known for host in hosts):
        return ()
    if len({host.platform.value for host in hosts}) > 1:
        return ()
    return conflict(Question(judged.host, prefer=Prefer.NEWEST, others=tuple(others)), matrix)


def _carry_out(words: Words) -> None:
    from compatmatrix.index import uv_environment
    from compatmatrix.process import run, uv_program

    env: Mapping[str, str] | None = None
    argv = list(words)
    if words[0] == "uv":
        argv[0], env = uv_program(), uv_environment()
    elif words[0] in PROGRAMS:
        program = conda_program()
        if program is None:
            raise ToolFailed(
                f"{command_line(words)}: neither {', '.join(PROGRAMS[:-1])} nor {PROGRAMS[-1]} is on PATH",
                hint="conda made this environment, so conda must change it: run this where conda is active",
            )
        argv[0] = str(program)
    progress(command_line(words))
    done = run(argv, timeout=_TIME_LIMIT, env=env)
    if done.ok:
        return
    said = [line.strip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()][-6:]
    raise ToolFailed(
        [f"{command_line(words)}: {done.describe()}", *said],
        hint="the environment may be half changed: repair the cause and run compatmatrix fix again",
    )


def _show(outcome: _Outcome) -> None:
    plan = outcome.plan
    assert plan is not None
    for sentence in outcome.notes:
        if sentence:
            note(sentence)
    if plan.repair is None:
        click.secho("no other versions of these packages repair this", bold=True)
        if outcome.causes:
            click.echo(f"no stack at all fits together with: {', '.join(map(str, outcome.causes))}")
    if not plan.lines:
        return
    click.echo("repair:")
    for line in plan.manual:
        click.echo(f"  {line}    # in your own shell")
    for words in plan.commands:
        click.echo(f"  {command_line(words)}")
    for change in plan.repair.changes if plan.repair else ():
        click.secho(f"  {change.name} {_before(change)} -> {_target(change)}", dim=True)
    kept = [f"{name} {version}" for name, version in _kept(outcome).items()]
    if kept:
        click.secho(f"  stays: {', '.join(kept)}", dim=True)


def _before(change: Change) -> str:
    return f"{change.old.version}{_build(change, change.old)}"


def _target(change: Change) -> str:
    text = change.requirement[len(change.name) :].removeprefix("==")
    return f"{text}{_build(change, change.pin)}"


def _build(change: Change, pin: Pin) -> str:
    """conda's versions do not name their build."""
    return f" ({pin.flavour})" if change.source.startswith(SOURCE) and pin.flavour else ""


def _kept(outcome: _Outcome) -> dict[str, str]:
    plan = outcome.plan
    moving = {change.name for change in plan.repair.changes} if plan and plan.repair else set()
    stack = uncovered_stack(outcome.judged)
    return {name: str(stack[name].version) for name in _KEPT if name in stack and name not in moving}


def _tell(outcome: _Outcome, as_json: bool, applied: bool, reason: str = "") -> int:
    """The end: what is there now, and the exit status."""
    last = outcome.after or outcome.judged
    verdict = verdict_on([last])
    broken = any(finding.severity in outcome.unwanted for finding in last.findings)
    if as_json:
        print_json(_to_dict(outcome, applied))
    elif outcome.after:
        show_found(outcome.after)
        show_verdict(outcome.after, verdict)
    elif reason:
        click.echo(reason)
        show_verdict(last, verdict)
    elif outcome.plan and not outcome.plan.commands and outcome.plan.manual:
        click.echo("no command that compatmatrix could run for you repairs this: run the above, then check again")
    elif outcome.plan and outcome.plan.commands and not applied:
        click.echo("to do it: compatmatrix fix --apply, with the same options")
    if outcome.after is None and outcome.plan is not None:
        return 1
    return 1 if broken else 0


def _to_dict(outcome: _Outcome, applied: bool) -> dict[str, Any]:
    plan, after = outcome.plan, outcome.after
    planned = plan.to_dict() if plan else {"changes": [], "commands": [], "manual": []}
    return {
        "schema": 1,
        "command": "fix",
        "verdict": verdict_on([after or outcome.judged]),
        "findings": [finding.to_dict() for finding in outcome.judged.findings],
        **planned,
        "keeps": _kept(outcome),
        "conflict": [cause.to_dict() for cause in outcome.causes],
        "applied": applied and after is not None,
        "remaining": [finding.to_dict() for finding in after.findings] if after else None,
        "notes": [sentence for sentence in outcome.notes if sentence],
        "host": outcome.judged.host.to_dict(),
    }
