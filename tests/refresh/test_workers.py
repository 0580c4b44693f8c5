from __future__ import annotations

import threading
import time

import pytest

from compatmatrix.refresh.workers import in_parallel


def test_answers_come_in_the_order_of_the_items() -> None:
    items = list(range(40))
    assert list(in_parallel(lambda n: (time.sleep(0.001 * (n % 3)), n * n)[1], items)) == [n * n for n in items]
    assert list(in_parallel(str, [])) == []


def test_the_first_failure_ends_it() -> None:
    done: list[int] = []

    def work(number: int) -> int:
        if number == 2:
            raise ValueError("two")
        time.sleep(0.002)
        done.append(number)
        return number

    with pytest.raises(ValueError, match="two"):
        list(in_parallel(work, range(1000)))
    assert len(done) < 100


def test_no_thread_keeps_the_process_from_ending() -> None:
    held = threading.Event()
    waiting = in_parallel(lambda _: (threading.current_thread().daemon, held.wait(5))[0], [1])
    threading.Timer(0.01, held.set).start()
    assert list(waiting) == [True]
