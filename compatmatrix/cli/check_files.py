"""`check FILE…`: pins in files, for the host that was named, or any."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from compatmatrix.cli.judged import Judged
from compatmatrix.cli.options import HostOptions
from compatmatrix.cli.output import print_findings
from compatmatrix.manifests.requirements import read_requirements
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.probe.interpreter import active_interpreter
from compatmatrix.rules import RULES, Case, judge


def judge_files(files: Sequence[Path], where: HostOptions, matrix: Matrix) -> list[Judged]:
    """Judge each file. A file is no environment: what python3 on PATH happens to be says nothing about it."""
    host = where.host(matrix, where.interpreter() if where.python else active_interpreter(), search=False)
    judged = []
    for path in files:
        manifest = read_requirements(path)
        findings = judge(Case.of(manifest.stack, host, matrix), RULES)
        placed = tuple(finding._replace(where=manifest.place_of(finding.packages)) for finding in findings)
        judged.append(Judged(str(path), manifest.stack, host, placed))
    return judged


def show_files(judged: Sequence[Judged]) -> None:
    """Findings only, each with file and line; silence is a good answer."""
    for one in judged:
        print_findings(one.findings)
