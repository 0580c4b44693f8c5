"""What holds for all rules together, and the silence that healthy stacks deserve."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import CODES, LINUX, case, gpu_unknown, host
from packaging.version import Version

from compatmatrix.matrix import Matrix
from compatmatrix.model.finding import Severity
from compatmatrix.model.host import Host
from compatmatrix.rules import RULES, judge


def test_codes_are_those_of_the_contract() -> None:
    assert {rule.code for rule in RULES} <= CODES
    assert len({rule.summary for rule in RULES}) == len(RULES)


def test_every_rule_has_its_test_file() -> None:
    tests = {path.stem for path in Path(__file__).parent.glob("test_*.py")}
    for rule in RULES:
        assert f"test_{rule.check.__module__.rpartition('.')[2]}" in tests


def test_summaries_are_short_sentences() -> None:
    for rule in RULES:
        assert rule.summary[0].islower() or rule.summary[0].isupper()
        assert len(rule.summary) < 80
        assert "\n" not in rule.summary


@pytest.mark.parametrize(
    ("where", "texts"),
    [
        pytest.param(
            host("8.0", driver="535.104.05"),
            ("torch==2.8.0+cu128", "torchvision==0.23.0+cu128", "torchaudio==2.8.0+cu128", "numpy==2.2.6"),
            id="cu128 on driver 535",
        ),
        pytest.param(
            host("8.9", driver="550.54.14"),
            ("torch==2.5.1@cu124", "torchvision==0.20.1@cu124", "fastai==2.7.18", "fastcore==1.7.29"),
            id="Ada on PyPI's build",
        ),
        pytest.param(
            host(python="3.10"),
            ("torch==1.13.1+cpu", "torchvision==0.14.1+cpu", "fastai==2.7.12", "numpy==1.26.4"),
            id="the fastai guides' pins with numpy 1, no GPU",
        ),
        pytest.param(host("12.1", driver="580.65.06"), ("torch==2.14.0", "torchvision==0.29.0"), id="GB10"),
        pytest.param(host("8.0", driver="999.1"), ("torch==1.13.1", "numpy==1.26.4"), id="a very new driver"),
        pytest.param(
            host(platform="macos-arm64", libc="macos 15.1"), ("torch==2.8.0", "torchvision==0.23.0"), id="a Mac"
        ),
        pytest.param(
            host(platform="windows-amd64", libc=None, driver=None), ("torch==2.8.0@cpu",), id="Windows without GPU"
        ),
        pytest.param(host("8.0"), ("numpy==2.0.0", "requests==2.32.0"), id="no torch at all"),
        pytest.param(gpu_unknown(host()), ("torch==2.8.0",), id="not known whether there is a GPU"),
        pytest.param(host("3.0", driver="390.157"), (), id="an empty environment"),
    ],
)
def test_healthy_stacks_get_not_a_word(matrix: Matrix, where: Host, texts: tuple[str, ...]) -> None:
    assert judge(case(matrix, where, *texts), RULES) == ()


def test_every_build_with_its_partners_is_healthy_on_a_host_made_for_it(matrix: Matrix) -> None:
    """No false alarm on any wheel of the matrix: its own Python, one of its own architectures, its own driver."""
    for torch in matrix.torches:
        for build in matrix.builds_for(torch, LINUX):
            floor = matrix.cudnn_floor(build.cudnn, build.cuda.major) if build.cudnn and build.cuda else None
            served = [
                arch.capability
                for arch in build.archs
                if not arch.ptx and (floor is None or arch.capability >= floor.capability)
            ][:1]
            capabilities = list(map(str, served))
            ends = matrix.capabilities[served[0]].last_driver if served else None
            partners = [
                f"{name}=={partner.version}{'+' + build.build if build.index == 'pytorch' else ''}"
                for name in ("torchvision", "torchaudio")
                if (partner := matrix.partner(name, torch))
                and (not partner.pythons or build.pythons[0] in partner.pythons)
            ]
            where = host(*capabilities, driver=f"{ends or 999}.1" if capabilities else None, python=build.pythons[0])
            pins = (f"torch=={build.full_version}@{build.build}", *partners)
            assert judge(case(matrix, where, *pins), RULES) == (), pins


def test_nothing_known_is_no_error(matrix: Matrix) -> None:
    """Of a host of which nothing is known, no rule says that something does not work."""
    nothing = gpu_unknown(host(driver=None, python=None, platform=None, libc=None))
    for torch in (*matrix.torches, Version("9.9")):
        findings = judge(case(matrix, nothing, f"torch=={torch}+cu126", "torchvision==9.9"), RULES)
        assert all(finding.severity is Severity.UNKNOWN for finding in findings)


def test_rules_that_only_warn_say_so(matrix: Matrix) -> None:
    """What they find never keeps a candidate from being taken, so it need not be asked for each."""
    where = host("3.7", "7.0", "12.0", "?", driver="999.1", python="3.6", libc="glibc 2.5")
    for rule in RULES:
        if not rule.rejects:
            for torch in matrix.torches:
                for finding in rule.check(case(matrix, where, f"torch=={torch}")):
                    assert finding.severity is Severity.WARNING
