"""The choice: the first candidate that no rule rejects, with the reasons why those before it were not taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from compatmatrix.errors import CompatmatrixError
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import Build
from compatmatrix.model.decision import Decision, Floor, ProofMark, Rejection
from compatmatrix.model.fact import Fact
from compatmatrix.model.finding import Finding
from compatmatrix.model.host import Host, Python
from compatmatrix.model.proof import ProofLevel
from compatmatrix.model.stack import Stack
from compatmatrix.resolve.candidates import TorchCandidate, fastai_candidates, torch_candidates
from compatmatrix.resolve.judgement import (
    cautions_on_versions,
    objections_of_hosts,
    objections_of_versions,
    older_ptx_on,
    rejects_host,
    warnings_on,
)
from compatmatrix.resolve.known_releases import need_releases
from compatmatrix.resolve.notes import notes_on
from compatmatrix.resolve.question import CORE, IndexPolicy, Prefer, Question
from compatmatrix.resolve.ranged import objections_of_ranges
from compatmatrix.rules import Case
from compatmatrix.rules.case import driver_floor
from compatmatrix.rules.coverage import all_tegra, ever_served
from compatmatrix.rules.known_bad import applies

# What a proof is found by: platform and the versions of these packages, on any Python and in any build.
CORE_OF_PROOF = ("fastai", "torch", "torchvision")
ProofKey = tuple[str, ...]
Proofs = Mapping[ProofKey, Iterable[tuple[str, ProofMark]]]


class Refusal(NamedTuple):
    """No candidate fits: an answer. rejected: every candidate with its findings, in preference order."""

    rejected: tuple[Rejection, ...]
    notes: tuple[str, ...]


def decide(question: Question, matrix: Matrix, proofs: Proofs | None = None) -> Decision | Refusal:
    """The stack for a host (level 1), from the matrix alone.

    proofs: what has been trained, by versions. Raises UsageError for requirements no release can meet, and
    CompatmatrixError where the host is not known well enough.
    """
    question = question.for_host()
    hosts = (question.host, *question.others)
    for host in hosts:
        _need_host(host, matrix)
    need_releases(question, matrix)
    proofs = proofs or {}
    rejected: list[Rejection] = []
    standing: list[TorchCandidate] = []
    waiting = torch_candidates(question, matrix)
    spare: list[tuple[TorchCandidate, Rejection]] = []

    def torches() -> Iterable[TorchCandidate]:
        yield from standing
        for candidate in waiting:
            if any(rejects_host(candidate, host, matrix) for host in hosts):
                why = partial(objections_of_hosts, candidate, hosts, matrix)
                rejected.append(Rejection(candidate.stack, candidate.build.build, candidate.build.index, why))
                continue
            if older_ptx_on(candidate, hosts, matrix):
                why = partial(older_ptx_on, candidate, hosts, matrix)
                spare.append((candidate, Rejection(candidate.stack, candidate.build.build, candidate.build.index, why)))
                rejected.append(spare[-1][1])
                continue
            standing.append(candidate)
            yield candidate

    made = _first(question, matrix, proofs, torches, rejected)
    if made is None and spare:
        # Better than nothing, and worse than any build with machine code: the driver translates what an older GPU had.
        passed_over = {id(rejection) for _, rejection in spare}
        rejected[:] = [rejection for rejection in rejected if id(rejection) not in passed_over]
        made = _first(question, matrix, proofs, lambda: [candidate for candidate, _ in spare], rejected)
    if made is not None:
        return made
    notes = (
        notes_on(_of_all_hosts(question), matrix, rejected, None) if rejected else [_nothing_to_try(question, matrix)]
    )
    return Refusal(tuple(rejected), tuple(notes))


class _Taken(NamedTuple):
    """A stack that nothing objects to. cautions: warnings of its versions. before: how many were rejected till then."""

    torch: TorchCandidate
    stack: Stack
    mark: ProofMark | None
    cautions: tuple[Finding, ...]
    before: int


def _first(
    question: Question,
    matrix: Matrix,
    proofs: Proofs,
    torches: Callable[[], Iterable[TorchCandidate]],
    rejected: list[Rejection],
) -> Decision | None:
    """The newest fastai with the newest of these torches.

    Within one minor of torch, versions that nothing warns of come first, then those that were trained. What is rejected
    on the way is added to the list.
    """
    extras = question.pinned_extras()
    for fastai in fastai_candidates(question, matrix):
        taken: list[_Taken] = []
        for candidate in torches():
            if taken and not _worth_stepping_back(question, taken[0].torch.build, candidate.build, matrix):
                break
            stack = Stack([*candidate.stack.values(), fastai, *extras])
            if objections_of_versions(stack, candidate.build, question.host, matrix):
                why = partial(objections_of_versions, stack, candidate.build, question.host, matrix)
                rejected.append(Rejection(stack, candidate.build.build, candidate.build.index, why))
                if objections_of_versions(Stack([fastai]), candidate.build, question.host, matrix):
                    break  # this fastai fits with no torch at all
                continue
            if objections_of_ranges(stack, candidate.build, question, matrix):
                why = partial(objections_of_ranges, stack, candidate.build, question, matrix)
                rejected.append(Rejection(stack, candidate.build.build, candidate.build.index, why))
                continue
            mark = proof_of(stack, candidate.build, question.host, proofs)
            cautions = cautions_on_versions(stack, candidate.build, question.host, matrix)
            taken.append(_Taken(candidate, stack, mark, cautions, len(rejected)))
            if question.prefer is Prefer.NEWEST or not (cautions or (mark is None and proofs)):
                break
        if taken:
            best = min(taken, key=lambda one: (bool(one.cautions), one.mark is None))
            return _decision(question, matrix, best, rejected[: best.before], taken[0])
    return None


def _of_all_hosts(question: Question) -> Question:
    """The question as if one host had the GPUs of all, for sentences about GPUs."""
    if not question.others:
        return question
    gpus = tuple(gpu for host in (question.host, *question.others) for gpu in host.gpus.value or ())
    return replace(question, host=replace(question.host, gpus=Fact.of(gpus, question.host.gpus.origin)))


def _nothing_to_try(question: Question, matrix: Matrix) -> str:
    """Why there was not one candidate to judge, and which torch is the newest that there is."""
    source = {IndexPolicy.PYPI: " on PyPI", IndexPolicy.PYTORCH: " on the PyTorch index"}.get(question.index, "")
    asked = ", ".join(str(req) for name in CORE for req in question.wanted(name))
    platform = question.host.platform.value or ""
    there = next((torch for torch in matrix.torches if asked and matrix.builds_for(torch, platform)), None)
    newest = f"; the newest torch there is {there}" if there and not source else ""
    return f"the matrix has no build{source} for {platform}{f' that meets {asked}' if asked else ''}{newest}"


def _need_host(host: Host, matrix: Matrix) -> None:
    problems = []
    if host.platform.value is None:
        problems.append(f"the platform is not known: {host.platform.reason}")
    if host.python.value is None:
        problems.append(f"the Python is not known: {host.python.reason}")
    if host.gpus.value is None:
        problems.append(f"the GPU is not known: {host.gpus.reason}")
    elif host.gpus.value and host.driver.value is None and _driver_matters(host, matrix):
        why = "; on a Jetson it decides whether PyTorch's own builds run" if all_tegra(host, matrix) else ""
        problems.append(f"the driver is not known: {host.driver.reason}{why}")
    for gpu in host.gpus.value or ():
        if gpu.capability is None:
            problems.append(f"the compute capability of the {gpu.name} is not known")
    if problems:
        raise CompatmatrixError(
            problems,
            slug="host-unknown",
            hint="name what is missing: --python-version, --platform, --driver, --gpu or --cc, or --no-gpu",
        )


def _driver_matters(host: Host, matrix: Matrix) -> bool:
    """Whether any build serves any of the GPUs: else the answer is the same with every driver."""
    platform = host.platform.value or ""
    return any(
        gpu.capability is None or ever_served(gpu.capability, platform, host.driver_system, matrix)
        for gpu in host.gpus.value or ()
    )


def _worth_stepping_back(question: Question, newest: Build, candidate: Build, matrix: Matrix) -> bool:
    """Whether an older torch may still be taken for a proof or for want of warnings: one minor below, no more."""
    if question.prefer is Prefer.NEWEST:
        return False
    oldest = matrix.torch_minors.index((newest.torch.major, newest.torch.minor)) + 1
    return matrix.torch_minors.index((candidate.torch.major, candidate.torch.minor)) <= oldest


def proof_key(stack: Stack, platform: str) -> ProofKey:
    """What the proofs of these versions are filed under, whatever the Python and the build."""
    return filed_under(platform, {name: str(stack.release(name)) for name in CORE_OF_PROOF})


def filed_under(platform: str, versions: Mapping[str, str]) -> ProofKey:
    """The same from plain versions, as the index of proofs has them."""
    return (platform, *(f"{name}=={versions[name]}" for name in CORE_OF_PROOF))


def proof_tag(python: Python, build: str, index: str) -> str:
    """What tells the proofs of the same versions apart: "3.12 cu126@pytorch"."""
    return tagged(python.minor, f"{build}@{index}")


def tagged(python: str, build: str) -> str:
    """The same from plain texts, as the index of proofs has them: "3.12", "cu126@pytorch"."""
    return f"{python} {build}"


def proof_of(stack: Stack, build: Build, host: Host, proofs: Proofs) -> ProofMark | None:
    """The best proof of a stack: of this very build on this Python, else of the same versions elsewhere."""
    python = host.python.value
    if python is None or not proofs:
        return None
    found = list(proofs.get(proof_key(stack, build.platform), ()))
    same = [mark for tag, mark in found if tag == proof_tag(python, build.build, build.index)]
    if same:
        order = list(ProofLevel)
        return max(same, key=lambda mark: order.index(mark.level))
    if not found:
        return None
    # Of several, one on the same Python says more.
    tag, mark = next((one for one in found if one[0].split()[0] == python.minor), found[0])
    other = tag.split()[0]
    return ProofMark(ProofLevel.VERSIONS_TRAINED, mark.record, "" if other == python.minor else other)


def _decision(
    question: Question,
    matrix: Matrix,
    taken: _Taken,
    rejected: list[Rejection],
    newest: _Taken,
) -> Decision:
    build, stack = taken.torch.build, taken.stack
    base = question.pytorch_index.rstrip("/") or matrix.pytorch_index
    case = Case(stack, question.host, matrix, build, advise=False)
    warnings = [f"{one.message}{f'; {one.hint}' if one.hint else ''}" for one in warnings_on(case)]
    return Decision(
        stack=stack,
        build=build.build,
        index=build.index,
        index_url=f"{base}/{build.build}" if build.index == "pytorch" else "",
        requirements=tuple(_requirements(question, stack)),
        constraints=tuple(dict.fromkeys([*_constraints(case), *sorted(map(str, question.constraints))])),
        host=question.host,
        matrix_digest=matrix.digest,
        rejected=tuple(rejected),
        notes=(*notes_on(_of_all_hosts(question), matrix, rejected, build), *_stepped_back(taken, newest), *warnings),
        proof=taken.mark,
        others=question.others,
        floor=_floor(build, matrix),
    )


def _floor(build: Build, matrix: Matrix) -> Floor | None:
    """What a CUDA build asks of driver and GPU on Linux, which is what containers run on."""
    driver = driver_floor(build.cuda, "linux", matrix) if build.cuda else None
    return Floor(driver, min((arch.capability for arch in build.archs), default=None)) if driver else None


def _stepped_back(taken: _Taken, newest: _Taken) -> Iterable[str]:
    """What was passed over within the step back, and why. Both may be the same."""
    torch = newest.stack.release("torch")
    if torch != taken.stack.release("torch"):
        why = f"with a warning ({newest.cautions[0].message})" if newest.cautions else "but was not trained yet"
        yield f"torch {torch} fits as well {why}: --prefer newest takes it"


def _requirements(question: Question, stack: Stack) -> Iterable[str]:
    for name in ("fastai", "torch", "torchvision", "torchaudio"):
        if name in stack:
            asked = sorted({extra for req in question.wanted(name) for extra in req.extras})
            yield f"{name}{'[' + ','.join(asked) + ']' if asked else ''}=={stack[name].version}"
    yield from sorted({str(req) for req in question.extras})


def _constraints(case: Case) -> Iterable[str]:
    """Limits of the matrix on packages that the closure still has to choose."""
    torch = case.torch
    row = case.matrix.torches.get(torch) if torch else None
    found: dict[str, None] = {}
    if row and row.numpy:
        found[f"numpy{row.numpy}"] = None
    for limit in case.matrix.limits:
        if limit.package not in case.stack and applies(limit, case):
            found[f"{limit.package}{limit.allowed}"] = None
    return sorted(found)
