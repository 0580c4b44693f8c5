"""`compatmatrix check`: judge what is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from compatmatrix.cli.judged import Judged, verdict_on
from compatmatrix.cli.options import HostOptions, host_options, json_option, offline_option, strict_option
from compatmatrix.cli.output import print_json
from compatmatrix.errors import UsageError
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.finding import Severity


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
    type=click.Choice(["text", "github", "sarif", "json"]),
    default="text",
    help="github: annotations of a workflow; sarif: for code scanning.",
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

    FILES: requirements files, pyproject.toml, environment.yml, Dockerfiles, pylock.toml, uv.lock, poetry.lock,
    pdm.lock, Pipfile.lock, conda-lock.yml.

    Without FILES it looks at the installed environment: the active one, then ./.venv, then python3 on PATH, or the
    one named with --python. None of its code is run. Exit status 1 means that it does not work.
    """
    matrix = where.matrix()
    form = "json" if as_json else form
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
        from compatmatrix.cli.check_environment import judge_environment, show_environment

        judged = [judge_environment(where, matrix)]
        if proof is not None:
            judged = [_against_proof(judged[0], proof)]
        verdict = verdict_on(judged)
        if form == "text":
            show_environment(judged[0], matrix, verdict)
    if form == "json":
        print_json(_to_dict(judged, verdict))
    elif form != "text":
        _annotate(judged, form)
    return _status(judged, verdict, strict)


def _against_proof(judged: Judged, path: Path) -> Judged:
    """The same with what has changed since a proof among the notes."""
    from compatmatrix.prove.compare import changes
    from compatmatrix.prove.record import read_record

    found = [f"since the proof: {change}" for change in changes(read_record(path), judged.host, judged.stack)]
    return judged._replace(notes=(*judged.notes, *(found or ["nothing has changed since the proof"])))


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
    from compatmatrix.cli.annotate import github, sarif

    findings = [finding for one in judged for finding in one.findings]
    if form == "sarif":
        print_json(sarif(findings))
        return
    for line in github(findings, [note for one in judged for note in one.notes]):
        click.echo(line)


def _to_dict(judged: Sequence[Judged], verdict: str) -> dict[str, Any]:
    return {
        "schema": 1,
        "command": "check",
        "verdict": verdict,
        "findings": [finding.to_dict() for one in judged for finding in one.findings],
        "stack": {name: pin for one in judged for name, pin in one.stack.to_dict().items()},
        "host": judged[0].host.to_dict(),
        "notes": [note for one in judged for note in one.notes],
    }


def _status(judged: Sequence[Judged], verdict: str, strict: bool) -> int:
    findings = [finding for one in judged for finding in one.findings]
    bad = any(strict or finding.severity is Severity.ERROR for finding in findings)
    return 1 if bad or (strict and verdict == "unknown") else 0
