"""Several hosts: one stack for all, or the fewest."""

from __future__ import annotations

from itertools import combinations

import pytest
from cases import host

from compatmatrix.matrix import Matrix
from compatmatrix.model.host import Host
from compatmatrix.resolve.decide import Refusal, decide
from compatmatrix.resolve.question import Prefer, Question, parse_requirements
from compatmatrix.resolve.targets import Answer, Target, decide_all


def ask(matrix: Matrix, *hosts: Host, requirements: tuple[str, ...] = ()) -> Answer:
    question = Question(hosts[0], parse_requirements(requirements), prefer=Prefer.NEWEST)
    return decide_all(question, [Target(f"host {n}", one) for n, one in enumerate(hosts)], matrix)


def who(answer: Answer) -> dict[str, list[str]]:
    return {share.name: [target.name for target in share.targets] for share in answer.shares}


def test_one_host_is_decided_as_ever(matrix: Matrix) -> None:
    alone = host("9.0")
    (share,) = ask(matrix, alone).shares
    made = decide(Question(alone, prefer=Prefer.NEWEST), matrix)
    assert not isinstance(made, Refusal)
    assert share.decision.stack == made.stack


def test_one_stack_for_all_where_there_is_one(matrix: Matrix) -> None:
    answer = ask(matrix, host("7.0", driver="535.104.05"), host("10.0", driver="580.65.06"))
    (share,) = answer.shares
    assert len(share.targets) == 2
    assert len(share.decision.hosts) == 2


def test_each_gpu_is_held_against_its_own_driver(matrix: Matrix) -> None:
    """An H100 needs R520 or later, and has it; that the other host has R470 is no obstacle to CUDA 11."""
    (share,) = ask(matrix, host("8.0", driver="470.256.02"), host("9.0", driver="580.65.06")).shares
    assert share.decision.build == "cu118"


def test_the_fewest_where_one_is_not_enough(matrix: Matrix) -> None:
    old, new = host("7.0", driver="470.256.02"), host("12.0", driver="580.65.06")
    answer = ask(matrix, old, new, old, host("8.6", driver="580.65.06"))
    assert len(answer.shares) == 2
    for share in answer.shares:
        names = {target.name for target in share.targets}
        assert ("host 0" in names) == ("host 2" in names)
        assert not {"host 0", "host 1"} <= names
    assert sum(len(share.targets) for share in answer.shares) == 4


def test_no_smaller_set_would_do(matrix: Matrix) -> None:
    """Held against trying everything: every way to put five hosts into fewer parts has a part that nothing fits."""
    hosts = [
        host("3.7", driver="470.256.02", python="3.10"),
        host("12.0", driver="575.51.03", python="3.10"),
        host("6.1", driver="535.104.05", python="3.10"),
        host("9.0", driver="580.65.06", python="3.10"),
        host(driver=None, python="3.10"),
    ]
    answer = ask(matrix, *hosts)
    assert not answer.unserved
    fits: dict[frozenset[int], bool] = {}
    for size in range(1, 6):
        for part in combinations(range(5), size):
            first, *rest = (hosts[n] for n in part)
            question = Question(first, prefer=Prefer.NEWEST, others=tuple(rest))
            fits[frozenset(part)] = not isinstance(decide(question, matrix), Refusal)
    fewest = next(
        size
        for size in range(1, 6)
        if any(
            frozenset().union(*chosen) == frozenset(range(5))
            for chosen in combinations([part for part, fit in fits.items() if fit], size)
        )
    )
    assert len(answer.shares) == fewest


def test_another_python_or_platform_is_another_lock(matrix: Matrix) -> None:
    answer = ask(matrix, host("9.0"), host("9.0", python="3.12"), host(platform="macos-arm64", libc=None))
    assert len(answer.shares) == 3
    assert len(set(who(answer))) == 3
    assert all("py31" in name for name in who(answer))


def test_the_oldest_c_library_is_locked_for(matrix: Matrix) -> None:
    (share,) = ask(matrix, host("9.0", libc="glibc 2.39"), host("9.0", libc="glibc 2.31")).shares
    assert str(share.question.host.libc.value) == "glibc 2.31"


def test_a_host_without_gpu_shares_the_cuda_build(matrix: Matrix) -> None:
    (share,) = ask(matrix, host(driver=None), host("9.0")).shares
    assert share.decision.build.startswith("cu")


def test_a_host_that_nothing_fits_is_named(matrix: Matrix) -> None:
    answer = ask(matrix, host("12.0", driver="450.80.02"), host("9.0"))
    assert [lost.target.name for lost in answer.unserved] == ["host 0"]
    assert answer.unserved[0].refusal.rejected


@pytest.mark.parametrize("number", [2, 12])
def test_alike_hosts_are_one(matrix: Matrix, number: int) -> None:
    answer = ask(matrix, *[host("8.0")] * number)
    assert [len(share.targets) for share in answer.shares] == [number]
    assert answer.shares[0].decision.others == ()
