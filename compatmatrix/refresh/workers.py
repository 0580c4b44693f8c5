"""Several requests at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

_WORKERS = 8


def in_parallel(work: Callable[[A], B], items: Sequence[A]) -> Iterator[B]:
    """The work's answers in the order of the items. The first exception ends it all and is raised.

    The threads are daemons, other than an executor's: an interrupted command ends at once, and does not wait for an
    index that is slow to answer.
    """
    waiting: SimpleQueue[tuple[A, Future[B]]] = SimpleQueue()
    futures: list[Future[B]] = [Future() for _ in items]
    for pair in zip(items, futures, strict=True):
        waiting.put(pair)

    def run() -> None:
        while True:
            try:
                item, future = waiting.get_nowait()
            except Empty:
                return
            try:
                future.set_result(work(item))
            except BaseException as error:
                future.set_exception(error)

    for _ in range(min(_WORKERS, len(futures))):
        Thread(target=run, daemon=True).start()
    try:
        for future in futures:
            yield future.result()
    finally:
        while not waiting.empty():
            try:
                waiting.get_nowait()
            except Empty:
                break
