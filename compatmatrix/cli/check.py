"""`compatmatrix check`: judge what is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compatmatrix.cli.judged import Judged, verdict_on
from compatmatrix.cli.options import HostOptions, host_options, json_option, offline_option, strict_option
from compatmatrix.cli.output import print_json
from compatmatrix.errors import UsageError
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.finding import Severity

if TYPE_CHECKING:
    from compatmatrix.cli.repair import Plan


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--proof",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Say what has changed since this proof.json was made.",
)
@host_options
@strict_option
@offline_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "github", "gitlab", "sarif", "json"]),
    default="text",
    help="github: annotations of a workflow; gitlab: a code quality report; sarif: for code scanning.",
)
@click.option(
    "--diff-base",
    "base",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="FILE before a change: says what the change asks of hosts. Once for each of FILES.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Judge a pasted report instead: collect_env, pip list, nvidia-smi, tracebacks; - is standard input.",
)
@json_option
def command(
    files: tuple[Path, ...],
    report: Path | None,
    where: HostOptions,
    strict: bool,
    offline: bool,
    form: str,
    base: tuple[Path, ...],
    proof: Path | None,
    as_json: bool,
) -> int:
    """Judge the installed environment, or the files that name one, on this host.

    FILES: requirements files, pyproject.toml, environment.yml, Dockerfiles, Pipfile, setup.cfg, pylock.toml, uv.lock,
    poetry.lock, pdm.lock, Pipfile.lock, conda-lock.yml.

    Without FILES it looks at the installed environment: the active one, then ./.venv, then python3 on PATH, or the
    one named with --python. None of its code is run. Exit status 1 means that it does not work.
    """
    matrix = where.matrix()
    form = "json" if as_json else form
    plans: Sequence[Plan | None] = ()
    if report is not None:
        return _report(report, files, matrix, strict, form)
    if proof is not None and files:
        raise UsageError("--proof is about an environment, not about files")
    if base and not files:
        raise UsageError("--diff-base without FILES: give the file after the change as well")
    if files:
        from compatmatrix.cli.check_files import judge_files, show_files

        judged = judge_files(files, where, matrix, base)
        verdict = verdict_on(judged)
        if form == "text":
            show_files(judged)
    else:
        from compatmatrix.cli.check_environment import judge_on_hosts, repair_of, show_environment

        judged = judge_on_hosts(where, matrix)
        if proof is not None:
            judged = [_against_proof(one, proof) for one in judged]
        verdict = verdict_on(judged)
        if form in ("text", "json"):
            plans = [repair_of(one, matrix) for one in judged]
        if form == "text":
            show_environment(judged, plans, verdict)
    if form == "json":
        print_json(_to_dict(judged, verdict, plans))
    elif form != "text":
        _annotate(judged, form)
    return _status(judged, verdict, strict)


def _against_proof(judged: Judged, path: Path) -> Judged:
    """The same with what has changed since a proof among the notes."""
    from compatmatrix.prove.compare import changes, in_words
    from compatmatrix.prove.record import read_lock, read_record

    found = changes(read_record(path), judged.host, judged.stack, read_lock(path))
    told = [f"since the proof: {line}" for line in in_words(found)]
    return judged._replace(notes=(*judged.notes, *(told or ["nothing has changed since the proof"])))


def _report(path: Path, files: tuple[Path, ...], matrix: Matrix, strict: bool, form: str) -> int:
    from compatmatrix.cli.check_report import judge_report, report_to_dict, show_report, verdict_of

    if files:
        raise UsageError("--report together with FILES: which of them?")
    judged = judge_report(path, matrix)
    verdict = verdict_of(judged)
    if form == "json":
        print_json(report_to_dict(judged, verdict))
    elif form == "text":
        show_report(judged, verdict)
    else:
        _annotate([judged.judged], form)
    return _status([judged.judged], verdict, strict)


def _annotate(judged: Sequence[Judged], form: str) -> None:
    from compatmatrix.cli.annotate import github, gitlab, sarif

    findings = [finding for one in judged for finding in one.findings]
    if form != "github":
        print_json(sarif(findings) if form == "sarif" else gitlab(findings))
        return
    for line in github(findings, [note for one in judged for note in one.notes]):
        click.echo(line)


def _to_dict(judged: Sequence[Judged], verdict: str, plans: Sequence[Plan | None]) -> dict[str, Any]:
    data: dict[str, Any] = {
        "schema": 1,
        "command": "check",
        "verdict": verdict,
        "findings": [finding.to_dict() for finding in dict.fromkeys(found for one in judged for found in one.findings)],
        "stack": {name: pin for one in judged for name, pin in one.stack.to_dict().items()},
        "host": judged[0].host.to_dict(),
        "notes": list(dict.fromkeys(note for one in judged for note in one.notes)),
        "repair": next((plan.to_dict() for plan in plans if plan), None),
    }
    if judged[0].on:
        data["hosts"] = [
            _on_host(
                [one for one in judged if one.on == name],
                next((plan for one, plan in zip(judged, plans, strict=False) if one.on == name), None),
            )
            for name in dict.fromkeys(one.on for one in judged)
        ]
    return data


def _on_host(judged: Sequence[Judged], plan: Plan | None) -> dict[str, Any]:
    return {
        "name": judged[0].on,
        "verdict": verdict_on(judged),
        "findings": [finding.to_dict() for one in judged for finding in one.findings],
        "repair": plan.to_dict() if plan else None,
        "host": judged[0].host.to_dict(),
    }


def _status(judged: Sequence[Judged], verdict: str, strict: bool) -> int:
    findings = [finding for one in judged for finding in one.findings]
    bad = any(strict or finding.severity is Severity.ERROR for finding in findings)
    return 1 if bad or (strict and verdict == "unknown") else 0
