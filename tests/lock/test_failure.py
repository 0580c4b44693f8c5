"""uv's complaints as it really words them."""

from __future__ import annotations

import pytest

from compatmatrix.errors import CompatmatrixError, IndexClosed, IndexUnavailable, NoSolution, ToolFailed
from compatmatrix.lock.failure import as_error, needs_source
from compatmatrix.process import Finished

NO_WHEEL = """error: No solution found when resolving dependencies
  cause: Because only_source==1.1.5 has no usable wheels and the-requested-stack depends on only_source==1.1.5, we can \
conclude that your requirements are unsatisfiable.

hint: Wheels are required for `Only.Source` because building from source is disabled for all packages
"""
NO_ABI = """warning: something of no interest
error: No solution found when resolving dependencies
  cause: Because torch==1.13.1 has no wheels with a matching Python ABI tag (e.g., `cp312`) and the-requested-stack \
depends on torch==1.13.1, we can conclude that your requirements are unsatisfiable.

hint: You require CPython 3.12 (`cp312`), but we only found wheels for `torch` (v1.13.1) with the following tags
"""
REFUSED = """error: Request failed after 3 retries in 7.0s
  cause: Failed to fetch: http://me:secret@host.example:9/simple/torchvision/
  cause: tcp connect error
  cause: Connection refused (os error 111)
"""
NOT_FOUND_FOR_LACK_OF_THEM = """error: No solution found when resolving dependencies
  cause: Because fastai was not found in the package registry, we can conclude that it is so.

hint: An index URL (http://host.example:9/simple) could not be queried due to a lack of valid authentication \
credentials (401 Unauthorized).
"""
FORBIDDEN = """error: No solution found when resolving dependencies
  cause: Because torch was not found in the package registry, we can conclude that it is so.

hint: An index (http://host.example/whl/nope) returned a 401 Unauthorized error.
"""
OFFLINE = """error: No solution found when resolving dependencies
  cause: Because torch was not found in the cache

hint: Packages were unavailable because the network was disabled.
"""


def failed(stderr: str, timed_out: bool = False) -> CompatmatrixError:
    return as_error(Finished(1, "", stderr, timed_out, "", 60.0))


def test_packages_without_wheels_are_named() -> None:
    assert needs_source(NO_WHEEL) == {"only-source", "only.source"}
    assert needs_source(NO_ABI) == frozenset()


@pytest.mark.parametrize(
    ("stderr", "kind", "words"),
    [
        (
            NO_ABI,
            NoSolution,
            "matching Python ABI tag (e.g., `cp312`) and the requested stack depends",
        ),
        (REFUSED, IndexUnavailable, "package index host.example:9: Connection refused"),
        (FORBIDDEN, IndexClosed, "host.example: wants credentials"),
        (NOT_FOUND_FOR_LACK_OF_THEM, IndexClosed, "host.example:9: wants credentials"),
        (OFFLINE, IndexUnavailable, "not found in the cache"),
        ("thread 'main' panicked", ToolFailed, "exit status 1: thread 'main' panicked"),
        ("", ToolFailed, "it said nothing"),
    ],
)
def test_kinds(stderr: str, kind: type[CompatmatrixError], words: str) -> None:
    error = failed(stderr)
    assert type(error) is kind
    assert words in str(error)
    assert "secret" not in str(error)


def test_no_solution_gives_uvs_reasons_and_hints_only() -> None:
    error = failed("\x1b[31m" + NO_ABI)
    assert [problem.split()[0] for problem in error.problems] == ["Because"]
    assert "You require CPython 3.12" in error.hint
    assert "hint:" not in error.hint


def test_offline_gives_uvs_reason_alone() -> None:
    error = failed(OFFLINE)
    assert error.problems == ("Because torch was not found in the cache",)
    assert error.hint.startswith("--offline")


def test_time_limit_is_the_indexs_fault() -> None:
    assert isinstance(failed("", timed_out=True), IndexUnavailable)
