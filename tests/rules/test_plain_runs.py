"""What plain metadata installs, and what happened when it was trained: the rules must say the same.

tests/data/plain_runs.json holds one installation a line. asked: what uv was given, plain where it was a fastai release
and nothing else. without: removed after the installation. blame: the packages whose versions broke the training, read
from the errors seen. partly: those that broke less than the training, such as tables. behind: those that break the same
release once the first are out of the way, as other lines show. No blame: it trained.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from cases import host, stack
from packaging.version import Version

from compatmatrix.matrix import Matrix
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules import RULES, Case, judge

RUNS: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "data" / "plain_runs.json").read_text("utf-8"))


def named(run: dict[str, Any]) -> str:
    return f"{run['python']} {run['asked']}{''.join(f' -{name}' for name in run.get('without', ()))}"


def judged(matrix: Matrix, run: dict[str, Any], severity: Severity) -> dict[str, list[Finding]]:
    """The findings of one severity, by the package that is to change."""
    pins = stack(*(f"{name}=={version}" for name, version in run["versions"].items()))
    found = defaultdict(list)
    for finding in judge(Case.of(pins, host(python=run["python"], libc="glibc 2.36"), matrix), RULES):
        if finding.severity is severity:
            found[finding.packages[0]].append(finding)
    return found


@pytest.mark.parametrize("run", RUNS, ids=named)
def test_an_error_exactly_where_the_training_failed(matrix: Matrix, run: dict[str, Any]) -> None:
    errors = judged(matrix, run, Severity.ERROR)
    blame = set(run.get("blame", ()))
    assert blame <= set(errors), run.get("error")
    assert set(errors) <= blame | set(run.get("behind", ())), errors


@pytest.mark.parametrize("run", [run for run in RUNS if "partly" in run], ids=named)
def test_a_warning_where_part_of_it_failed(matrix: Matrix, run: dict[str, Any]) -> None:
    assert set(run["partly"]) <= set(judged(matrix, run, Severity.WARNING))


def test_nothing_is_unknown(matrix: Matrix) -> None:
    assert [named(run) for run in RUNS if judged(matrix, run, Severity.UNKNOWN)] == []


def test_every_release_was_run(matrix: Matrix) -> None:
    """All of 2.7 and 2.8, and the last release of each older minor, as plain metadata has them."""
    plain = {Version(run["versions"]["fastai"]) for run in RUNS if run["plain"]}
    last = {(release.major, release.minor): release for release in sorted(matrix.fastais)}
    wanted = {release for release in matrix.fastais if Version("2.7") <= release <= max(plain)}
    assert wanted | {release for release in last.values() if release <= max(plain)} <= plain
