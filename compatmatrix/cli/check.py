"""`compatmatrix check`: judge what is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from compatmatrix.cli.judged import Judged, verdict_on
from compatmatrix.cli.options import HostOptions, host_options, json_option, offline_option, strict_option
from compatmatrix.cli.output import print_json
from compatmatrix.model.finding import Severity


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
        from compatmatrix.cli.check_files import judge_files, show_files

        judged = judge_files(files, where, matrix)
        verdict = verdict_on(judged)
        if not as_json:
            show_files(judged)
    else:
        from compatmatrix.cli.check_environment import judge_environment, show_environment

        judged = [judge_environment(where, matrix)]
        verdict = verdict_on(judged)
        if not as_json:
            show_environment(judged[0], matrix, verdict)
    if as_json:
        print_json(_to_dict(judged, verdict))
    return _status(judged, verdict, strict)


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
