"""From a question to a lock: decide, see whether the index can be reached, resolve the closure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from compatmatrix.errors import IndexClosed, IndexUnavailable
from compatmatrix.lock.access import Access
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.decision import Decision
from compatmatrix.model.fact import Fact
from compatmatrix.model.lock import Lock, Package
from compatmatrix.resolve.decide import Proofs, Refusal, decide
from compatmatrix.resolve.question import IndexPolicy, Question
from compatmatrix.rules.case import find_build

NOT_USED = "the PyTorch index was not used"
OFFLINE = "offline: PyPI's own build"
"""How the notes begin that say why PyPI's build was taken where another one was decided."""


def make_lock(
    question: Question,
    matrix: Matrix,
    proofs: Proofs,
    access: Access,
    *,
    progress: Callable[[str], None],
    interpreter: str | None = None,
    preferences: Sequence[Package] = (),
    needs_files: bool = False,
    universal: bool = False,
    may_swap: bool = True,
) -> Lock | Refusal:
    """Decide and resolve. Under the policy "auto", a PyTorch index that cannot be asked, or that does not have the
    wheel, gives way to PyPI's own build if that fits the host; the decision's notes then say so.

    progress: told in a sentence what happens. interpreter: builds what has no wheel. preferences: versions of a lock
    that is there, kept where they fit. needs_files: the addresses of the files are wanted, which shipped locks do not
    have. universal: for other platforms as well. may_swap: False where the build stands in a lock that is there.
    """
    from compatmatrix.lock.closure import lock

    decision = decide(question, matrix, proofs)
    if isinstance(decision, Refusal):
        return decision

    def trained(found: Decision) -> Lock | None:
        """The shipped lock of a decision, unless another one is preferred."""
        shipped = None if universal else _shipped(found, question, access)
        return shipped if shipped and not (preferences and _pins(shipped.packages) != _pins(preferences)) else None

    shipped = trained(decision)
    if shipped is None and access.offline and may_swap and question.index is IndexPolicy.AUTO:
        # Without a network a trained lock from PyPI serves better than none.
        second = decide(replace(question, index=IndexPolicy.PYPI), matrix, proofs)
        if isinstance(second, Decision) and (shipped := trained(second)):
            note = f"{OFFLINE} of torch {second.stack['torch'].version}, whose trained lock was shipped"
            shipped = replace(shipped, decision=replace(second, notes=(note, *second.notes)))
    if shipped is None and decision.index == "pytorch" and not access.offline:
        reason = _missing(decision, question, progress, may_swap and question.index is IndexPolicy.AUTO)
        if reason:
            decision = _from_pypi(question, matrix, proofs, decision, reason)
            progress(decision.notes[0])
            shipped = trained(decision)
    if shipped and (access.offline or not needs_files):
        return shipped

    def resolved(found: Decision) -> Lock:
        found = _on_the_oldest(found, matrix)
        if universal:
            from compatmatrix.lock.universal import over_platforms

            found = over_platforms(found, question, matrix)
        return lock(
            found,
            offline=access.offline,
            default_index=access.default_index,
            progress=progress,
            interpreter=interpreter,
            preferences=shipped.packages if shipped else preferences,
        )

    try:
        return resolved(decision)
    except IndexClosed as error:
        if decision.index != "pytorch" or not may_swap or question.index is not IndexPolicy.AUTO:
            raise
        decision = _from_pypi(question, matrix, proofs, decision, error.problems[0])
    progress(decision.notes[0])
    return resolved(decision)


def _on_the_oldest(decision: Decision, matrix: Matrix) -> Decision:
    """The decision on the oldest macOS that its torch runs on, where it is not known which one the host has.

    Without it uv takes an older one, for which there may be no wheel.
    """
    host = decision.host
    build = find_build(decision.stack["torch"], host.platform.value or "", matrix)
    if host.libc.known or build is None or build.libc is None or build.libc.kind != "macos":
        return decision
    return replace(decision, host=replace(host, libc=Fact.of(build.libc, f"torch {build.torch}")))


def _pins(packages: Sequence[Package]) -> set[tuple[str, str]]:
    return {(package.name, str(package.version)) for package in packages}


def _shipped(decision: Decision, question: Question, access: Access) -> Lock | None:
    from compatmatrix.lock.proven import proven_lock

    return proven_lock(decision, question, access.proofs) if access.proofs else None


def _missing(decision: Decision, question: Question, progress: Callable[[str], None], may_swap: bool) -> str:
    """Why the decided wheel cannot be had from the PyTorch index; empty where it can. Raises IndexUnavailable where no
    other build may be taken."""
    from compatmatrix.index import has_wheel, without_credentials

    torch, python = decision.stack["torch"].version, question.host.python.value
    progress(f"asking the PyTorch index for torch {torch}")
    tag = f"cp{python.minor.replace('.', '')}" if python else ""
    try:
        if has_wheel(decision.index_url, "torch", torch, tag, platform=question.host.platform.value or ""):
            return ""
        reason = f"{without_credentials(decision.index_url)} has no torch {torch} for {tag}"
        hint = "try --index pypi, or --torch-index-url for a mirror"
        raise IndexUnavailable(reason, slug="wheel-missing", hint=hint)
    except IndexClosed:
        return ""  # uv has more places to take credentials from
    except IndexUnavailable as error:
        if not may_swap:
            raise
        return error.problems[0]


def _from_pypi(question: Question, matrix: Matrix, proofs: Proofs, wanted: Decision, reason: str) -> Decision:
    """The decision with PyPI's builds only. Raises IndexUnavailable where none of them fits the host."""
    second = decide(replace(question, index=IndexPolicy.PYPI), matrix, proofs)
    if isinstance(second, Refusal):
        torch = wanted.stack["torch"].version
        raise IndexUnavailable(
            [reason, f"no build on PyPI fits this host instead of torch {torch}"],
            hint="name a mirror of the PyTorch index with --torch-index-url",
        )
    torch = second.stack["torch"].version
    note = f"{NOT_USED} ({reason}): PyPI's own build of torch {torch} fits the host"
    return replace(second, notes=(note, *second.notes))
