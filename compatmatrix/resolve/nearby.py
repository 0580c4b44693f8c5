"""Which version is near: distances between releases, and the nearest version that a specifier admits."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache

from packaging.version import Version

from compatmatrix.matrix.rows import admits, specifiers, version


def steps_between(releases: Sequence[Version], one: Version, other: Version) -> int:
    """How many releases lie between two versions. releases: newest first; one may be absent from them."""
    ascending = releases[::-1]
    return abs(bisect_left(ascending, one) - bisect_left(ascending, other)) or int(one != other)


@lru_cache(maxsize=4096)
def nearest_version(spec: str, current: Version) -> Version | None:
    """A version that a specifier admits, near the current one; None where it admits none.

    For packages of which no releases are known: the answer stands for what an installer would choose, which is the
    newest that is allowed, so that "<2" gives something just below 2.
    """
    if admits(spec, current):
        return current
    fitting = [found for found in borders(spec) if admits(spec, found)]
    below = [found for found in fitting if found < current]
    return max(below, default=min(fitting, default=None)) if fitting else None


def borders(spec: str) -> Iterator[Version]:
    """Versions on, just above and, where that matters, just below what a specifier names."""
    for one in specifiers(spec):
        text = one.version.removesuffix(".*")
        border = version(text)
        yield border
        yield version(f"{text}.1")
        if one.operator in ("<", "!=", "<="):
            numbers = list(border.release)
            while numbers and numbers[-1] == 0:
                numbers.pop()
            if numbers:
                numbers[-1] -= 1
                yield version(".".join(map(str, [*numbers, 9999])))
