"""Whether the releases that are asked for are known, and whether all requirements can be met."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from packaging.version import Version

from compatmatrix.errors import NoSolution, UsageError
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.resolve.question import Question

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.specifiers import Specifier


def need_releases(question: Question, matrix: Matrix) -> None:
    """Raises UsageError for releases that the matrix does not know, NoSolution for requirements that contradict.

    All problems at once. A refresh is advised only for what may be newer than the matrix.
    """
    tables: dict[str, Mapping[Version, object]] = {
        "torch": matrix.torches,
        "torchvision": matrix.torchvisions,
        "torchaudio": matrix.torchaudios,
        "fastai": matrix.fastais,
    }
    problems, contradictions, newer = [], [], False
    for name, rows in tables.items():
        wanted = question.wanted(name)
        local = any("+" in spec.version for req in wanted for spec in req.specifier)
        if wanted and not local and not any(question.admits(name, release) for release in rows):
            asked = ", ".join(str(req) for req in wanted)
            specs = [spec for req in wanted for spec in req.specifier]
            if _contradictory(specs, list(rows)):
                contradictions.append(f"{asked}: no release from {_span(list(rows))} meets all of this together")
                continue
            newer = newer or _is_newer(specs, next(iter(rows), None))
            problems.append(
                f"{asked}: no such release in the matrix, which knows {_span(list(rows))}{_nearest(wanted, list(rows))}"
            )
    if problems:
        refresh = "for a release newer than the matrix: compatmatrix matrix refresh"
        hint = refresh if newer else "ask for one of the nearest, or for a range"
        raise UsageError([*problems, *contradictions], hint=hint, slug="unknown-release")
    if contradictions:
        raise NoSolution(contradictions, hint="leave one of the requirements out", slug="contradiction")


def _contradictory(specs: list[Specifier], releases: list[Version]) -> bool:
    """Whether each part is met by some known release, and no release, nor one that may come next, meets all."""
    if len(specs) < 2 or not releases:
        return False
    newest = releases[0]
    major, minor, micro = newest.major, newest.minor, newest.micro
    coming = [Version(text) for text in (f"{major}.{minor}.{micro + 1}", f"{major}.{minor + 1}", f"{major + 1}")]
    if any(all(spec.contains(one, prereleases=True) for spec in specs) for one in coming):
        return False
    return all(any(spec.contains(one, prereleases=True) for one in releases) for spec in specs)


def _is_newer(specs: Iterable[Specifier], newest: Version | None) -> bool:
    """Whether something newer than the newest known release is named."""
    plain = (spec.version.removesuffix(".*") for spec in specs if spec.operator != "===")
    return newest is None or any(Version(text) >= newest for text in plain)


def _nearest(wanted: Iterable[Requirement], releases: list[Version]) -> str:
    """The known releases around the first version that was asked for; releases: newest first."""
    named = [spec.version.removesuffix(".*") for req in wanted for spec in req.specifier if spec.operator != "==="]
    if not named:
        return ""
    asked = Version(named[0])
    below = next((release for release in releases if release < asked), None)
    above = next((release for release in reversed(releases) if release > asked), None)
    return f"; nearest: {' and '.join(str(one) for one in (below, above) if one)}" if below or above else ""


def _span(releases: list[Version]) -> str:
    return f"{releases[-1]} to {releases[0]}" if releases else "none"
