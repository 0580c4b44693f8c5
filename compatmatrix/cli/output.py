"""Words and colours on the terminal."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.host import Host
from compatmatrix.model.stack import Stack

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.UNKNOWN: "cyan"}
_SHOWN = ("fastai", "torch", "torchvision", "torchaudio", "fastcore", "numpy", "pillow", "pandas")

_MOST_SEEN = 140  # letters of a line of evidence


def print_json(data: Mapping[str, Any] | Sequence[Any]) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def progress(sentence: str) -> None:
    """Tell on stderr what is being done; silent where stderr is no terminal."""
    if sys.stderr.isatty():
        click.secho(f"… {sentence}", err=True, dim=True)


def note(sentence: str) -> None:
    """Something the reader should know, on stderr, terminal or not."""
    click.echo(f"note: {sentence}", err=True)


def host_lines(host: Host) -> list[str]:
    """The host in two or three lines, unknowns with their reasons."""
    lines = []
    machine = [host.platform.value or f"platform unknown ({host.platform.reason})"]
    if host.libc.value:
        machine.append(str(host.libc.value))
    machine.append(f"Python {host.python.value}" if host.python.value else f"Python unknown ({host.python.reason})")
    lines.append(", ".join(machine))
    if host.gpus.value is None:
        lines.append(f"GPU unknown: {host.gpus.reason}")
    elif not host.gpus.value:
        lines.append("no NVIDIA GPU")
    else:
        counts: dict[str, int] = {}
        for gpu in host.gpus.value:
            counts[str(gpu)] = counts.get(str(gpu), 0) + 1
        lines.append(", ".join(f"{n} x {name}" if n > 1 else name for name, n in counts.items()))
    if host.driver.value:
        offered = f", CUDA {host.driver_cuda.value} offered" if host.driver_cuda.value else ""
        lines.append(f"driver {host.driver.value}{offered}")
    elif host.gpus.value:
        lines.append(f"driver unknown: {host.driver.reason}")
    if host.notes:
        lines.append("; ".join(host.notes))
    return lines


def stack_line(stack: Stack) -> str:
    """The packages that matter, with the build of torch where the version does not say it."""
    parts = []
    for name in _SHOWN:
        pin = stack.get(name)
        if pin:
            build = f" ({pin.flavour})" if name == "torch" and pin.flavour and not pin.version.local else ""
            parts.append(f"{name} {pin.version}{build}")
    return ", ".join(parts) or "neither torch nor fastai"


def print_findings(findings: Iterable[Finding], *, err: bool = False) -> None:
    """Each finding with its hint and evidence."""
    for finding in findings:
        label = click.style(f"{finding.severity}[{finding.code}]", fg=_COLOURS[finding.severity], bold=True)
        where = f"{finding.where.file}:{finding.where.line}: " if finding.where else ""
        click.echo(f"{where}{label}: {finding.message}", err=err)
        if finding.hint:
            click.echo(f"  hint: {finding.hint}", err=err)
        for evidence in finding.evidence:
            click.secho(f"  seen: {shortened(evidence.source)} ({evidence.checked})", err=err, dim=True)


def shortened(text: str) -> str:
    """The beginning of a long text, up to a word's end; the JSON has all of it."""
    return text if len(text) <= _MOST_SEEN else f"{text[:_MOST_SEEN].rsplit(' ', 1)[0]} …"


def command_line(words: Iterable[str]) -> str:
    """Words as a shell takes them."""
    return " ".join(shlex.quote(word) for word in words)


def counted(number: int, noun: str) -> str:
    """ "1 error", "2 errors"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
