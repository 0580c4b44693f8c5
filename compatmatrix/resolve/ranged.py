"""The user's ranges on packages that level 1 does not decide: a stack whose own limits leave nothing of one falls."""

from __future__ import annotations

from functools import lru_cache

from packaging.utils import canonicalize_name
from packaging.version import Version

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import Build, admits
from compatmatrix.model.finding import Finding
from compatmatrix.model.stack import Pin, Stack
from compatmatrix.resolve.judgement import objections_of_versions
from compatmatrix.resolve.nearby import borders
from compatmatrix.resolve.question import Question


def objections_of_ranges(stack: Stack, build: Build, question: Question, matrix: Matrix) -> tuple[Finding, ...]:
    """What rejects every version that one of the ranges admits; empty where each range has a version that fits.

    The versions at the borders that the range and the matrix's limits draw stand for all between them.
    """
    for name, spec in _ranges(question):
        if name in stack:
            continue
        found: tuple[Finding, ...] = ()
        for version in _versions(name, spec, matrix):
            found = objections_of_versions(Stack([*stack.values(), Pin(name, version)]), build, question.host, matrix)
            if not found:
                break
        if found:
            return found
    return ()


def _ranges(question: Question) -> list[tuple[str, str]]:
    joined: dict[str, list[str]] = {}
    for asked in question.extras:
        joined.setdefault(canonicalize_name(asked.name), []).append(str(asked.specifier))
    return [(name, text) for name, specs in joined.items() if (text := ",".join(filter(None, specs)))]


@lru_cache(maxsize=1024)
def _versions(name: str, spec: str, matrix: Matrix) -> tuple[Version, ...]:
    """Those of a range, newest first; empty where nothing limits the package."""
    limits = [limit.allowed for limit in matrix.limits if limit.package == name]
    limits += [row.requires[name] for row in matrix.fastais.values() if name in row.requires]
    if name == "numpy":
        limits += [row.numpy for row in matrix.torches.values() if row.numpy]
    if not limits:
        return ()
    found = {version for text in {spec, *limits} if text for version in borders(text)}
    return tuple(sorted((version for version in found if admits(spec, version)), reverse=True))
