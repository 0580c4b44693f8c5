"""`check FILE…`: pins in files, for the host that was named, the one that is here, or any."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click

from compatmatrix.cli.judged import Judged, verdict_on
from compatmatrix.cli.options import HostOptions
from compatmatrix.cli.output import print_findings
from compatmatrix.errors import BadInput, CompatmatrixError, UsageError
from compatmatrix.manifests.manifest import Manifest
from compatmatrix.manifests.read import read_manifest
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.host import Host
from compatmatrix.model.stack import Stack
from compatmatrix.probe.interpreter import active_interpreter
from compatmatrix.resolve.manifest import JudgedPart, judge_manifest


class _Read(NamedTuple):
    manifests: list[Manifest]
    before: list[Manifest]


def judge_files(files: Sequence[Path], where: HostOptions, matrix: Matrix, base: Sequence[Path] = ()) -> list[Judged]:
    """Judge each file. A file is no environment: what python3 on PATH happens to be says nothing about it.

    base: the files as they were before a change, in the same order; what the change asks of hosts is a finding then.
    Raises BadInput naming every file that cannot be read, and UsageError where base does not belong to files.
    """
    if base and len(base) != len(files):
        raise UsageError(
            f"{len(files)} files and {len(base)} of --diff-base: give one for each file, in the same order"
        )
    read = _read(files, base)
    here = where.interpreter() if where.python else active_interpreter()
    if where.names_hosts:
        hosts = [(target.name, target.host) for target in where.targets(matrix, here)]
    else:
        hosts = [("", where.host(matrix, here, search=False))]
    return [
        _judge(read, number, host, matrix, where.no_gpu)._replace(on=name)
        for name, host in hosts
        for number in range(len(read.manifests))
    ]


def _judge(read: _Read, number: int, host: Host, matrix: Matrix, no_gpu: bool) -> Judged:
    """One file on one host."""
    manifest = read.manifests[number]
    parts = judge_manifest(manifest, host, matrix)
    findings = [finding for part in parts for finding in part.findings]
    if read.before:
        from compatmatrix.resolve.manifest_needs import raised

        findings += raised(judge_manifest(read.before[number], host, matrix), parts, matrix)
    notes = () if no_gpu or host.has_gpu or host.driver.known else _needs(parts, matrix)
    stack = Stack({pin.name: pin for part in reversed(parts) for pin in part.stack.values()}.values())
    return Judged(str(manifest.path), stack, _host(parts, host), tuple(findings), notes)


def _read(files: Sequence[Path], base: Sequence[Path]) -> _Read:
    manifests: list[Manifest] = []
    before: list[Manifest] = []
    problems: list[str] = []
    hint = ""
    for path, like, found in [
        *((path, None, manifests) for path in files),
        *((path, like, before) for path, like in zip(base, files, strict=False)),
    ]:
        try:
            found.append(read_manifest(path, like=like))
        except CompatmatrixError as error:
            problems += error.problems
            hint = hint or error.hint
    if problems:
        raise BadInput(problems, hint=hint)
    return _Read(manifests, before)


def _host(parts: Sequence[JudgedPart], host: Host) -> Host:
    return parts[0].host if len(parts) == 1 else host


def _needs(parts: Sequence[JudgedPart], matrix: Matrix) -> tuple[str, ...]:
    """Which hosts could run it, where no GPU and no driver is known."""
    from compatmatrix.resolve.manifest_needs import needs_of, sentence

    lines = []
    for part in parts:
        needs = needs_of(part, matrix)
        if needs:
            lines.append((f"{needs.place.file}:{needs.place.line}: " if needs.place else "") + sentence(needs))
    return tuple(dict.fromkeys(lines))


def show_files(judged: Sequence[Judged]) -> None:
    """Findings, each with file and line, and what is needed of a host that is not known; silence is a good answer."""
    for place, one in enumerate(judged):
        if one.on and (place == 0 or judged[place - 1].on != one.on):
            ours = [other for other in judged if other.on == one.on]
            click.secho(f"on {one.on}: {verdict_on(ours)}", bold=True)
        print_findings(one.findings)
        for note in one.notes:
            click.secho(f"note: {note}", dim=True)
