"""Candidate stacks in preference order: newest fastai, then newest torch, then the builds the host would like best."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from packaging.version import Version

from compatmatrix.matrix.matrix import TORCH_FAMILY, Matrix
from compatmatrix.matrix.rows import Build, version
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Host
from compatmatrix.model.stack import Pin, Stack
from compatmatrix.resolve.question import IndexPolicy, Question

_UNASKED: Fact[Any] = Fact.unknown("not asked")
_NOWHERE = Host(_UNASKED, _UNASKED, _UNASKED, _UNASKED, _UNASKED)


class TorchCandidate(NamedTuple):
    """A torch build with its partners, before fastai is chosen."""

    build: Build
    stack: Stack


def torch_candidates(question: Question, matrix: Matrix) -> Iterator[TorchCandidate]:
    """Every torch build that the user's requirements admit, in preference order; no rule is asked yet."""
    platform = question.host.platform.value or ""
    free = not any(question.wanted(name) for name in TORCH_FAMILY)
    for torch, row in matrix.torches.items():
        if free and not row.yanked:
            for build in _in_order(question, matrix.builds_for(torch, platform)):
                yield TorchCandidate(build, _newest_family(matrix, build))
        elif not row.yanked or question.names("torch", torch):
            for build in _in_order(question, matrix.builds_for(torch, platform)):
                if question.admits("torch", _asked_version(question, build)):
                    yield TorchCandidate(build, _family(question, matrix, build))


def _asked_version(question: Question, build: Build) -> Version:
    """The version to hold against the user's requirement: with the build where one names a build."""
    names_build = any("+" in spec.version for req in question.wanted("torch") for spec in req.specifier)
    return build.full_version if names_build else build.torch


def _in_order(question: Question, builds: tuple[Build, ...]) -> list[Build]:
    allowed = [build for build in builds if question.index in (IndexPolicy.AUTO, build.index)]
    if question.host.has_gpu:
        return allowed
    # Without a GPU the CPU build is the smaller one; PyPI's own serves as well.
    return sorted(allowed, key=lambda build: (build.build != "cpu", build.index != "pypi"))


@lru_cache(maxsize=4096)
def _newest_family(matrix: Matrix, build: Build) -> Stack:
    """The family of a build where the user asks for nothing in particular."""
    return _family(Question(_NOWHERE), matrix, build)


def _family(question: Question, matrix: Matrix, build: Build) -> Stack:
    pins = [Pin("torch", build.full_version, build.build, "candidate")]
    for name, rows in (("torchvision", matrix.torchvisions), ("torchaudio", matrix.torchaudios)):
        if name == "torchaudio" and not question.wanted(name):
            continue
        partner = matrix.partner(name, build.torch)
        if partner is None or not question.admits(name, _local(question, name, partner.version, build)):
            # What the user insists on, or the newest: the rules then say why it does not fit.
            partner = next((row for row in rows.values() if question.admits(name, row.version)), None)
        if partner is not None:
            pins.append(Pin(name, with_build(partner.version, build), build.build, "candidate"))
    return Stack(pins)


def _local(question: Question, name: str, release: Version, build: Build) -> Version:
    names_build = any("+" in spec.version for req in question.wanted(name) for spec in req.specifier)
    return with_build(release, build) if names_build else release


def with_build(release: Version, build: Build) -> Version:
    """A partner's version as the build's index names it."""
    return version(f"{release}+{build.build}") if build.index == "pytorch" else release


def fastai_candidates(question: Question, matrix: Matrix) -> Iterator[Pin]:
    """Every fastai release that the user's requirements admit, newest first."""
    for release, row in matrix.fastais.items():
        if question.admits("fastai", release) and (not row.yanked or question.names("fastai", release)):
            yield Pin("fastai", release, None, "candidate")
