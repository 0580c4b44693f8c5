"""One lock over platforms: the host's own build there, PyPI's build of the same versions elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.decision import Decision
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Host
from compatmatrix.model.target import platform_marker
from compatmatrix.resolve.decide import decide
from compatmatrix.resolve.question import CORE, IndexPolicy, Question, parse_requirements


def over_platforms(decision: Decision, question: Question, matrix: Matrix) -> Decision:
    """The decision with every platform that has a build of the same versions on PyPI; its notes name the others.

    Nothing is supposed of GPUs elsewhere: PyPI's build is what a plain install gives there.
    """
    here = decision.host.platform.value
    released = {name: decision.stack.release(name) for name in CORE if name in decision.stack}
    pins = parse_requirements(f"{name}=={version}" for name, version in released.items())
    found: dict[str, Decision] = {}
    left_out = []
    for platform in sorted(matrix.platforms - {here}):
        if not platform_marker(platform):
            continue
        asked = replace(
            question,
            host=_machine(decision.host, platform),
            others=(),
            requirements=(*question.requirements, *pins),
            index=IndexPolicy.PYPI,
        )
        made = decide(asked, matrix)
        if isinstance(made, Decision):
            found[platform] = made
        else:
            left_out.append(platform)
    notes = [f"also locked for {', '.join(found)}: PyPI's own builds, no GPU supposed"] if found else []
    if left_out:
        notes.append(
            f"not locked for {', '.join(left_out)}: no build of torch {released['torch']} for this Python there"
        )
    return replace(
        decision,
        elsewhere=tuple(found),
        requirements=tuple(_requirements(decision, found)),
        notes=(*decision.notes, *notes),
    )


def _machine(host: Host, platform: str) -> Host:
    return replace(
        host,
        platform=Fact.of(platform, "supposed"),
        libc=Fact.unknown("another platform"),
        driver=Fact.unknown("no GPU"),
        gpus=Fact.of((), "supposed"),
        notes=(),
    )


def _requirements(decision: Decision, elsewhere: dict[str, Decision]) -> Iterator[str]:
    """What is the same everywhere once; what differs for each platform, with its marker."""
    others = {platform: set(made.requirements) for platform, made in elsewhere.items()}
    for text in decision.requirements:
        if all(text in texts for texts in others.values()):
            yield text
        else:
            yield f"{text} ; {platform_marker(decision.platforms[0])}"
    for platform, made in elsewhere.items():
        for text in made.requirements:
            if text not in decision.requirements:
                yield f"{text} ; {platform_marker(platform)}"
