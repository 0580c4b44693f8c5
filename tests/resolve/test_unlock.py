from __future__ import annotations

from itertools import pairwise

import pytest
from cases import NEW_DRIVER, host, newest, with_rows

from compatmatrix.matrix import Matrix
from compatmatrix.model.decision import Decision
from compatmatrix.model.host import Host
from compatmatrix.resolve.decide import decide
from compatmatrix.resolve.question import Question, parse_requirements
from compatmatrix.resolve.unlock import Unlocked, unlocked_by_driver, unlocked_by_python


def unlocked(matrix: Matrix, where: Host) -> list[Unlocked]:
    question = Question(where)
    made = decide(question, matrix)
    current = made.stack.release("torch") if isinstance(made, Decision) and made.build != "cpu" else None
    return list(unlocked_by_driver(question, matrix, current))


@pytest.mark.parametrize(
    "where",
    [
        pytest.param(host(), id="no GPU"),
        pytest.param(host(driver=None), id="no GPU, no driver"),
        pytest.param(host("9.0", driver=NEW_DRIVER), id="the newest driver"),
        pytest.param(host("3.0", driver="390.157"), id="a GPU without any wheel"),
        pytest.param(host("3.7", driver="470.256.02"), id="the last driver branch of an old GPU"),
    ],
)
def test_nothing_to_unlock(matrix: Matrix, where: Host) -> None:
    assert unlocked(matrix, where) == []


def test_each_step_leads_to_a_newer_torch(matrix: Matrix) -> None:
    steps = unlocked(matrix, host("8.0", driver="418.39"))
    assert len(steps) >= 3
    for one, other in pairwise(steps):
        assert one.driver < other.driver
        assert one.decision.stack["torch"].release < other.decision.stack["torch"].release
    assert steps[-1].decision.stack.release("torch") == newest(matrix)


def test_the_steps_are_floors_that_work(matrix: Matrix) -> None:
    for step in unlocked(matrix, host("8.0", driver="470.256.02")):
        made = decide(Question(host("8.0", driver=str(step.driver))), matrix)
        assert isinstance(made, Decision)
        assert made.stack == step.decision.stack


def test_a_driver_that_the_gpu_will_never_get_is_not_proposed(matrix: Matrix) -> None:
    for step in unlocked(matrix, host("6.1", driver="470.256.02")):
        assert step.driver.major <= 580


def test_the_end_of_driver_support_ends_the_steps(matrix: Matrix) -> None:
    ended = with_rows(matrix, "capability", {"capability": "8.0", "name": "made up", "last-driver": 470})
    where = host("8.0", driver="450.80.02")
    assert [step.driver.major for step in unlocked(matrix, where)] == [525, 580]
    assert unlocked(ended, where) == []


def test_a_young_gpu_is_unlocked_by_its_first_driver(matrix: Matrix) -> None:
    steps = unlocked(matrix, host("12.0", driver="535.104.05"))
    assert steps[0].driver.major == 570


@pytest.mark.parametrize(
    ("python", "asked", "other"),
    [
        pytest.param("3.9", "fastai>=2.8", "3.10", id="fastai 2.8 begins at Python 3.10"),
        pytest.param("3.12", "torch<2", "3.10", id="the torchvision of torch 1.13 ends there"),
    ],
)
def test_the_nearest_other_python(matrix: Matrix, python: str, asked: str, other: str) -> None:
    found = unlocked_by_python(Question(host(python=python), parse_requirements([asked])), matrix)
    assert found is not None
    assert str(found.host.python.value) == other


def test_no_python_would_do(matrix: Matrix) -> None:
    question = Question(host(), parse_requirements(["torch==2.5.1", "torchvision==0.14.1"]))
    assert unlocked_by_python(question, matrix) is None
