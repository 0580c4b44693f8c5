"""A smoke run in words and as JSON, for smoke and prove."""

from __future__ import annotations

from typing import Any

import click

from compatmatrix.model.host import Host
from compatmatrix.model.proof import SmokeResult, Status

_MARKS = {Status.PASS: ("pass", "green"), Status.FAIL: ("FAIL", "red"), Status.SKIP: ("skip", "cyan")}


def print_probes(result: SmokeResult) -> None:
    """One line a probe, then the verdict; the child's last output only on trouble."""
    width = max((len(probe.name) for probe in result.probes), default=0)
    for probe in result.probes:
        mark, colour = _MARKS[probe.status]
        code = f" [{probe.code}]" if probe.code else ""
        click.echo(
            f"{click.style(mark, fg=colour)}  {probe.name:{width}}  {probe.seconds:6.2f} s  {probe.detail}{code}"
        )
    if result.failure:
        click.secho(f"failure: {result.failure}", fg="red")
    if not result.passed and result.output_tail:
        click.secho("last output:", dim=True)
        for line in result.output_tail.splitlines():
            click.secho(f"  {line}", dim=True)
    verdict = f"{result.level} on {result.device}" if result.passed else "not proven"
    click.secho(f"{verdict}, {result.seconds:.1f} s", fg="green" if result.passed else "red", bold=True)


def smoke_to_dict(command: str, result: SmokeResult, host: Host) -> dict[str, Any]:
    """As in the JSON contract of smoke and prove."""
    return {
        "schema": 1,
        "command": command,
        "passed": result.passed,
        "level": str(result.level),
        "device": result.device,
        "probes": [probe.to_dict() for probe in result.probes],
        "failure": result.failure or None,
        "seconds": round(result.seconds, 3),
        "lock": None,
        "record": None,
        "host": host.to_dict(),
        "stack": dict(result.versions),
    }
