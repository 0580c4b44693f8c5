"""The minimal set of facts that cause a refusal: each of them alone could give way, and something would fit.

Deletion-based: a fact is left out, and stays out where the refusal stands without it (Zeller and Hildebrandt's
minimising delta debugging, in its simplest form; a handful of facts needs no halving).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from packaging.utils import canonicalize_name

from compatmatrix.errors import CompatmatrixError
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.decision import Decision
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Gpu, Host
from compatmatrix.resolve.decide import decide
from compatmatrix.resolve.question import IndexPolicy, Prefer, Question
from compatmatrix.resolve.unlock import pythons

if TYPE_CHECKING:
    from packaging.requirements import Requirement


class Cause(NamedTuple):
    """One fact of a conflict.

    kind: "requirement", "python", "driver", "gpu", "libc", "index", "host". origin: who said so.
    """

    kind: str
    value: str
    origin: str

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return self._asdict()

    def __str__(self) -> str:
        words = {"python": "Python ", "driver": "driver ", "index": "--index ", "host": "the host with "}
        return f"{words.get(self.kind, '')}{self.value}"


class _Facts(NamedTuple):
    """A question in parts that can be left out one by one. False: the fact may be anything."""

    requirements: tuple["Requirement", ...]
    gpus: tuple[Gpu, ...]
    others: tuple[Host, ...]
    driver: bool = True
    python: bool = True
    libc: bool = True
    policy: bool = True


def conflict(question: Question, matrix: Matrix) -> tuple[Cause, ...]:
    """The facts that together cause a refusal, so that no part of them does; where there are several such sets, the
    first of `conflicts`. Empty where the question has an answer, or where no set of these facts is to blame."""
    return next(iter(conflicts(question, matrix, most=1)), ())


def conflicts(question: Question, matrix: Matrix, most: int = 3) -> tuple[tuple[Cause, ...], ...]:
    """The smallest sets of facts that cannot be met together, at most so many. Where there is one only, leaving out any
    of its facts gives a stack; where there are several, each of them has to lose one.

    Empty where the question has an answer, or where no set of these facts is to blame (nothing for the platform).
    """
    everything = _Facts(question.requirements, tuple(dict.fromkeys(question.host.gpus.value or ())), question.others)
    nothing = _Facts((), (), (), False, False, False, False)
    if _fits(everything, question, matrix) or not _fits(nothing, question, matrix):
        return ()
    found: list[_Facts] = []
    waiting = [everything]
    while waiting and len(found) < most:
        facts = waiting.pop(0)
        if facts is not everything and _fits(facts, question, matrix):
            continue
        least = _least(facts, question, matrix)
        if least not in found:
            found.append(least)
        if len(found) < most:
            waiting += [fewer for leave in _without_each(least, question) if (fewer := leave(facts)) != facts]
    return tuple(tuple(_causes(facts, question)) for facts in found)


def _least(facts: _Facts, question: Question, matrix: Matrix) -> _Facts:
    for fewer in _without_each(facts, question):
        # Applied to what is left, not to the whole: the facts that were already left out stay out.
        smaller = fewer(facts)
        if smaller != facts and not _fits(smaller, question, matrix):
            facts = smaller
    return facts


def _without_each(facts: _Facts, question: Question) -> Iterator[Any]:
    """Ways to leave out one fact each, the least telling first."""
    if question.index is not IndexPolicy.AUTO and facts.policy:
        yield lambda left: left._replace(policy=False)
    if question.host.libc.known and facts.libc:
        yield lambda left: left._replace(libc=False)
    if facts.python:
        yield lambda left: left._replace(python=False)
    if facts.driver:
        yield lambda left: left._replace(driver=False)
    for host in facts.others:
        yield lambda left, other=host: left._replace(others=tuple(one for one in left.others if one is not other))
    for gpu in facts.gpus:
        yield lambda left, gpu=gpu: left._replace(gpus=tuple(one for one in left.gpus if one != gpu))
    # torch last: what is said of it tells more than what follows from the others.
    for requirement in sorted(facts.requirements, key=lambda one: canonicalize_name(one.name) == "torch"):
        yield lambda left, asked=requirement: left._replace(
            requirements=tuple(one for one in left.requirements if one is not asked)
        )


def _fits(facts: _Facts, question: Question, matrix: Matrix) -> bool:
    host = replace(question.host, gpus=Fact.of(facts.gpus, "supposed"))
    if not facts.driver or not facts.gpus:
        newest = max((driver for row in matrix.cudas.values() for driver in row.drivers.values()), default=None)
        ends = [matrix.capabilities.get(gpu.capability) for gpu in facts.gpus if gpu.capability]
        last = min((row.last_driver for row in ends if row and row.last_driver), default=None)
        text = f"{last}.999" if last else f"{newest.major if newest else 0}.999"
        host = replace(host, driver=Fact.of(DriverVersion(text), "supposed"))
    if not facts.libc:
        host = replace(host, libc=Fact.unknown("left out"))
    tried = [host.python] if facts.python else [Fact.of(python, "supposed") for python in pythons(matrix)]
    index = question.index if facts.policy else IndexPolicy.AUTO
    for python in tried:
        asked = replace(
            question,
            host=replace(host, python=python),
            requirements=facts.requirements,
            others=facts.others,
            index=index,
            prefer=Prefer.NEWEST,
        )
        try:
            if isinstance(decide(asked, matrix), Decision):
                return True
        except CompatmatrixError:
            # A requirement that no release meets is a refusal too, whatever else is asked.
            continue
    return False


def _causes(facts: _Facts, question: Question) -> Iterator[Cause]:
    host = question.host
    for requirement in facts.requirements:
        yield Cause("requirement", str(requirement), "given")
    if facts.python and host.python.value:
        yield Cause("python", host.python.value.minor, host.python.origin)
    for gpu in facts.gpus:
        yield Cause("gpu", str(gpu), host.gpus.origin)
    if facts.driver and facts.gpus and host.driver.value:
        yield Cause("driver", str(host.driver.value), host.driver.origin)
    for other in facts.others:
        gpus = ", ".join(map(str, other.gpus.value or ())) or "no GPU"
        yield Cause("host", f"{gpus}, driver {other.driver.value or 'unknown'}", other.gpus.origin)
    if facts.libc and host.libc.value:
        yield Cause("libc", str(host.libc.value), host.libc.origin)
    if facts.policy and question.index is not IndexPolicy.AUTO:
        yield Cause("index", str(question.index), "given")
