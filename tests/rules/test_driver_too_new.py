from __future__ import annotations

from dataclasses import replace

import pytest
from cases import case, host

from compatmatrix.matrix import Matrix
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Host
from compatmatrix.rules.driver_too_new import RULE


@pytest.mark.parametrize(
    ("capability", "last", "next_branch"),
    [
        ("3.7", "470.256.02", "495.29.05"),
        ("3.7", "475.14", "495.29.05"),
        ("5.2", "580.119.02", "590.44.01"),
        ("6.1", "582.16", "590.44.01"),
        ("7.0", "580.65.06", "595.10"),
    ],
)
def test_the_branch_after_the_last(matrix: Matrix, capability: str, last: str, next_branch: str) -> None:
    assert list(RULE.check(case(matrix, host(capability, driver=last)))) == []
    (finding,) = RULE.check(case(matrix, host(capability, "8.0", capability, driver=next_branch)))
    assert (finding.code, str(finding.severity)) == ("driver-too-new", "warning")
    assert f"driver {next_branch} no longer supports GPU {capability}" in finding.message
    assert finding.hint == f"install a driver of R{580 if capability > '5' else 470}"
    assert finding.evidence


def test_what_the_driver_itself_lists_is_not_doubted(matrix: Matrix) -> None:
    """Both facts from one nvidia-smi: then the driver does support it, whatever the matrix says."""
    where = host("7.0", driver="595.10")
    seen = replace(
        where, driver=Fact.of(where.driver.value, "nvidia-smi"), gpus=Fact.of(where.gpus.value, "nvidia-smi")
    )
    assert list(RULE.check(case(matrix, seen))) == []
    # That driver on this GPU is only a thought.
    thought = replace(seen, driver=where.driver)
    assert len(list(RULE.check(case(matrix, thought)))) == 1


@pytest.mark.parametrize("where", [host("7.5", driver="999.1"), host("7.0", driver=None), host(driver="999.1")])
def test_silence(matrix: Matrix, where: Host) -> None:
    assert list(RULE.check(case(matrix, where, "torch==2.9.1+cu126"))) == []
