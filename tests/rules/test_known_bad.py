from __future__ import annotations

from typing import Any

import pytest
from cases import case, host, severities, with_rows

from compatmatrix.matrix import Matrix
from compatmatrix.model.finding import Finding
from compatmatrix.model.host import Host
from compatmatrix.rules import known_bad

PLUM: dict[str, Any] = {
    "package": "plum-dispatch",
    "allowed": "<2.6",
    "when": {"fastai": "<2.8", "python": ">=3.10"},
    "symptom": "TypeError: unhashable type",
}


def found(matrix: Matrix, limit: dict[str, Any], where: Host, *texts: str) -> list[Finding]:
    return list(known_bad.check(case(with_rows(matrix, "limit", limit), where, *texts)))


@pytest.mark.parametrize(
    ("where", "texts"),
    [
        pytest.param(host(), ("fastai==2.7.19", "plum-dispatch==2.5.7"), id="allowed"),
        pytest.param(host(), ("fastai==2.8.0", "plum-dispatch==2.6.0"), id="another fastai"),
        pytest.param(host(), ("plum-dispatch==2.6.0",), id="no fastai"),
        pytest.param(host(), ("fastai==2.7.19",), id="no plum-dispatch"),
        pytest.param(host(python="3.9"), ("fastai==2.7.19", "plum-dispatch==2.6.0"), id="another Python"),
        pytest.param(host(python=None), ("fastai==2.7.19", "plum-dispatch==2.6.0"), id="unknown Python"),
        pytest.param(host(), (), id="nothing"),
    ],
)
def test_silent(matrix: Matrix, where: Host, texts: tuple[str, ...]) -> None:
    assert found(matrix, PLUM, where, *texts) == []


def test_all_conditions_hold(matrix: Matrix) -> None:
    (finding,) = found(matrix, PLUM, host(), "fastai==2.7.19", "plum-dispatch==2.6.0")
    assert (finding.code, str(finding.severity)) == ("known-bad", "error")
    assert "plum-dispatch 2.6.0 does not work with fastai <2.8, python >=3.10: TypeError" in finding.message
    assert finding.fix == ("plum-dispatch<2.6",)
    assert finding.packages == ("plum-dispatch", "fastai")
    assert finding.evidence


def test_a_row_may_name_its_code_and_be_a_warning(matrix: Matrix) -> None:
    limit = {**PLUM, "code": "behaviour-change", "severity": "warning"}
    findings = found(matrix, limit, host(), "fastai==2.7.19", "plum-dispatch==2.6.0")
    assert severities(findings) == [("behaviour-change", "warning")]


def test_any_package_can_enter(matrix: Matrix) -> None:
    limit = {"package": "setuptools", "allowed": "<81", "when": {"torch": "<2.4"}, "symptom": "no pkg_resources"}
    assert len(found(matrix, limit, host(), "setuptools==81.0.0", "torch==2.3.1+cu121")) == 1


def test_the_local_part_does_not_count(matrix: Matrix) -> None:
    limit = {"package": "torch", "allowed": "!=2.8.0", "when": {"fastai": ""}, "symptom": "crash"}
    assert len(found(matrix, limit, host(), "torch==2.8.0+cu126", "fastai==2.8.4")) == 1


def test_every_row_of_the_matrix_can_be_broken_and_kept(matrix: Matrix) -> None:
    """Each limit names versions: some version that it admits is admitted, another one is not."""
    from packaging.version import Version

    from compatmatrix.matrix.rows import admits

    tried = [Version(f"{major}.{minor}") for major in (*range(100), 2023, 2025) for minor in range(40)]
    for limit in matrix.limits:
        answers = {admits(limit.allowed, version) for version in tried}
        assert True in answers or "==" in limit.allowed, limit
        assert False in answers, limit
