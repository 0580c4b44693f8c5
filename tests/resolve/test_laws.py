"""What holds for every decision, whatever the host."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import pytest
from cases import LINUX, host
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from compatmatrix.matrix import Matrix, load_matrix
from compatmatrix.model.decision import Decision
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.fact import Fact
from compatmatrix.model.finding import Severity
from compatmatrix.model.host import WSL, Gpu, Host, Libc, Python
from compatmatrix.resolve.decide import Refusal, decide
from compatmatrix.resolve.question import IndexPolicy, Question
from compatmatrix.rules import RULES, Case, judge

DRIVERS = [
    "390.157",
    "418.39",
    "450.80.01",
    "450.80.02",
    "470.256.02",
    "510.39.01",
    "520.61.05",
    "525.60.12",
    "525.60.13",
    "535.104.05",
    "550.54.14",
    "560.28.03",
    "565.57.01",
    "570.26",
    "575.51.03",
    "580.65.05",
    "580.65.06",
    "590.44.01",
    "595.45.04",
    "610.43.02",
    "700.10",
]
PYTHONS = ("3.7", "3.8", "3.9", "3.10", "3.11", "3.12.4", "3.13", "3.13t", "3.14", "3.14t", "3.15")


@st.composite
def hosts(draw: st.DrawFn) -> Host:
    """Hosts of all kinds, mostly Linux with one or two GPUs."""
    matrix = load_matrix()
    platform = draw(st.sampled_from([LINUX] * 4 + sorted(matrix.platforms)))
    libcs = {"linux": ["glibc 2.17", "glibc 2.28", "glibc 2.35", "musl 1.2"], "macos": ["macos 11.0", "macos 14.2"]}
    libc = draw(st.sampled_from([None, *libcs.get(platform.partition("-")[0], [])]))
    capabilities = draw(st.lists(st.sampled_from(list(matrix.capabilities)), max_size=3))
    kind, _, number = (libc or "").partition(" ")
    return Host(
        python=Fact.of(Python.parse(draw(st.sampled_from(PYTHONS))), "drawn"),
        platform=Fact.of(platform, "drawn"),
        libc=Fact.of(Libc(kind, *map(int, number.split("."))), "drawn") if libc else Fact.unknown("drawn"),
        driver=Fact.of(DriverVersion(draw(st.sampled_from(DRIVERS))), "drawn"),
        gpus=Fact.of(tuple(Gpu(f"GPU {c}", c) for c in capabilities), "drawn"),
        notes=draw(st.sampled_from([(), (), (WSL,)])),
    )


@settings(max_examples=300, deadline=None)
@given(hosts(), st.sampled_from(IndexPolicy))
def test_no_rule_rejects_what_was_decided(matrix: Matrix, where: Host, index: IndexPolicy) -> None:
    made = decide(Question(where, index=index), matrix)
    if isinstance(made, Refusal):
        assert all(finding.severity is Severity.ERROR for one in made.rejected for finding in one.findings)
        assert made.rejected or made.notes
        return
    found = Case.of(made.stack, where, matrix)
    assert found.build is not None
    assert (found.build.build, found.build.index) == (made.build, made.index)
    assert index in (IndexPolicy.AUTO, made.index)
    assert [finding for finding in judge(found, RULES) if finding.severity is Severity.ERROR] == []


@settings(max_examples=60, deadline=None)
@given(hosts(), st.randoms(use_true_random=False))
def test_the_order_of_gpus_does_not_matter(matrix: Matrix, where: Host, random: object) -> None:
    gpus = where.gpus.value or ()
    answers = set()
    for order in itertools.islice(itertools.permutations(gpus), 6):
        made = decide(Question(replace(where, gpus=Fact.of(order, "drawn"))), matrix)
        answers.add((made.stack, made.build, made.index) if isinstance(made, Decision) else None)
    assert len(answers) == 1


@settings(max_examples=60, deadline=None)
@given(hosts())
def test_the_same_question_has_the_same_answer(matrix: Matrix, where: Host) -> None:
    assert decide(Question(where), matrix) == decide(Question(where), matrix)


@settings(max_examples=60, deadline=None)
@given(hosts())
def test_without_gpu_it_is_the_cpu_build(matrix: Matrix, where: Host) -> None:
    made = decide(Question(replace(where, gpus=Fact.of((), "given"), driver=Fact.unknown("no GPU"))), matrix)
    if isinstance(made, Decision) and where.platform.value == LINUX:
        torch = made.stack["torch"].release
        with_cpu = [build for build in matrix.builds_for(torch, LINUX) if build.build == "cpu"]
        too_old = [build for build in with_cpu if build.libc and where.libc.value and where.libc.value < build.libc]
        assert made.build == "cpu" or too_old


def test_a_newer_driver_never_gets_an_older_torch(matrix: Matrix) -> None:
    for capability in matrix.capabilities:
        best = Version("0")
        for driver in DRIVERS:
            made = decide(Question(host(str(capability), driver=driver, python="3.12")), matrix)
            if isinstance(made, Decision) and made.build != "cpu":
                torch = made.stack["torch"].release
                assert torch >= best, (str(capability), driver)
                best = torch
            else:
                assert best == Version("0"), (str(capability), driver)


def test_a_newer_glibc_never_gets_an_older_torch(matrix: Matrix) -> None:
    found = []
    for libc in ("glibc 2.5", "glibc 2.17", "glibc 2.27", "glibc 2.28", "glibc 2.40"):
        made = decide(Question(host("8.0", libc=libc)), matrix)
        assert isinstance(made, Decision)
        found.append(made.stack["torch"].release)
    assert found == sorted(found)
    assert found[0] < found[-1]


def test_fewer_gpus_never_get_an_older_torch(matrix: Matrix) -> None:
    def torch(*capabilities: str) -> Version:
        made = decide(Question(host(*capabilities)), matrix)
        return made.stack["torch"].release if isinstance(made, Decision) and made.build != "cpu" else Version("0")

    for one, other in itertools.combinations(["3.7", "6.1", "7.0", "8.6", "9.0", "10.0", "12.0"], 2):
        assert torch(one, other) <= min(torch(one), torch(other)), (one, other)


@pytest.mark.slow
def test_ten_thousand_hosts_in_ten_seconds(matrix: Matrix) -> None:
    """GPUs from Volta on, drivers and Pythons of these years.

    Processor time, and twice the budget of an idle machine: what others do meanwhile shall not decide.
    """
    gpus = [row.capability for row in matrix.gpus if row.capability.major >= 7]
    drivers = ["525.85.12", "535.104.05", "550.54.15", "560.35.03", "570.86.15", "580.65.06", "590.44.01"]
    pythons = ["3.10", "3.11", "3.12", "3.13"]
    questions = [
        Question(host(str(gpus[n % len(gpus)]), driver=drivers[n % len(drivers)], python=pythons[n % len(pythons)]))
        for n in range(10_000)
    ]
    start = time.process_time()
    for question in questions:
        decide(question, matrix)
    assert time.process_time() - start < 20
