"""The choice: the first candidate that no rule rejects, with the reasons why those before it were not taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from packaging.version import Version

from compatmatrix.errors import CompatmatrixError, UsageError
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import Build
from compatmatrix.model.decision import Decision, Floor, ProofMark, Rejection
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Host, Python
from compatmatrix.model.proof import ProofLevel
from compatmatrix.model.stack import Stack
from compatmatrix.resolve.candidates import TorchCandidate, fastai_candidates, torch_candidates
from compatmatrix.resolve.judgement import objections_of_hosts, objections_of_versions, rejects_host, warnings_on
from compatmatrix.resolve.notes import notes_on
from compatmatrix.resolve.question import CORE, IndexPolicy, Prefer, Question
from compatmatrix.rules import Case
from compatmatrix.rules.case import driver_floor
from compatmatrix.rules.known_bad import applies

if TYPE_CHECKING:
    from packaging.requirements import Requirement

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
        _need_host(host)
    _need_releases(question, matrix)
    proofs = proofs or {}
    rejected: list[Rejection] = []
    standing: list[TorchCandidate] = []
    waiting = torch_candidates(question, matrix)

    def torches() -> Iterable[TorchCandidate]:
        yield from standing
        for candidate in waiting:
            if any(rejects_host(candidate, host, matrix) for host in hosts):
                why = partial(objections_of_hosts, candidate, hosts, matrix)
                rejected.append(Rejection(candidate.stack, candidate.build.build, candidate.build.index, why))
                continue
            standing.append(candidate)
            yield candidate

    extras = question.pinned_extras()
    for fastai in fastai_candidates(question, matrix):
        taken: list[tuple[TorchCandidate, Stack, ProofMark | None, int]] = []
        for candidate in torches():
            if taken and not _worth_stepping_back(question, taken[0][0].build, candidate.build, matrix):
                break
            stack = Stack([*candidate.stack.values(), fastai, *extras])
            if objections_of_versions(stack, candidate.build, question.host, matrix):
                why = partial(objections_of_versions, stack, candidate.build, question.host, matrix)
                rejected.append(Rejection(stack, candidate.build.build, candidate.build.index, why))
                if objections_of_versions(Stack([fastai]), candidate.build, question.host, matrix):
                    break  # this fastai fits with no torch at all
                continue
            mark = proof_of(stack, candidate.build, question.host, proofs)
            taken.append((candidate, stack, mark, len(rejected)))
            if question.prefer is Prefer.NEWEST or mark is not None or not proofs:
                break
        if taken:
            torch, stack, mark, before = next((choice for choice in taken if choice[2] is not None), taken[0])
            newer = taken[0][0].build if taken[0][0].build.torch != torch.build.torch else None
            return _decision(question, matrix, torch, stack, mark, rejected[:before], newer)
    notes = notes_on(_of_all_hosts(question), matrix, rejected, None) if rejected else [_nothing_to_try(question)]
    return Refusal(tuple(rejected), tuple(notes))


def _of_all_hosts(question: Question) -> Question:
    """The question as if one host had the GPUs of all, for sentences about GPUs."""
    if not question.others:
        return question
    gpus = tuple(gpu for host in (question.host, *question.others) for gpu in host.gpus.value or ())
    return replace(question, host=replace(question.host, gpus=Fact.of(gpus, question.host.gpus.origin)))


def _nothing_to_try(question: Question) -> str:
    """Why there was not one candidate to judge."""
    source = {IndexPolicy.PYPI: " on PyPI", IndexPolicy.PYTORCH: " on the PyTorch index"}.get(question.index, "")
    asked = ", ".join(str(req) for name in CORE for req in question.wanted(name))
    return (
        f"the matrix has no build{source} for {question.host.platform.value}{f' that meets {asked}' if asked else ''}"
    )


def _need_host(host: Host) -> None:
    problems = []
    if host.platform.value is None:
        problems.append(f"the platform is not known: {host.platform.reason}")
    if host.python.value is None:
        problems.append(f"the Python is not known: {host.python.reason}")
    if host.gpus.value is None:
        problems.append(f"the GPU is not known: {host.gpus.reason}")
    elif host.gpus.value and host.driver.value is None:
        problems.append(f"the driver is not known: {host.driver.reason}")
    for gpu in host.gpus.value or ():
        if gpu.capability is None:
            problems.append(f"the compute capability of the {gpu.name} is not known")
    if problems:
        raise CompatmatrixError(
            problems,
            slug="host-unknown",
            hint="name what is missing: --python-version, --platform, --driver, --gpu or --cc, or --no-gpu",
        )


def _need_releases(question: Question, matrix: Matrix) -> None:
    tables: dict[str, Mapping[Version, object]] = {
        "torch": matrix.torches,
        "torchvision": matrix.torchvisions,
        "torchaudio": matrix.torchaudios,
        "fastai": matrix.fastais,
    }
    problems = []
    for name, rows in tables.items():
        wanted = question.wanted(name)
        local = any("+" in spec.version for req in wanted for spec in req.specifier)
        if wanted and not local and not any(question.admits(name, release) for release in rows):
            asked = ", ".join(str(req) for req in wanted)
            problems.append(
                f"{asked}: no such release in the matrix, which knows {_span(list(rows))}{_nearest(wanted, list(rows))}"
            )
    if problems:
        raise UsageError(
            problems, hint="a torch newer than the matrix: compatmatrix matrix refresh", slug="unknown-release"
        )


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


def _worth_stepping_back(question: Question, newest: Build, candidate: Build, matrix: Matrix) -> bool:
    """Whether an older torch may still be taken for being proven: one minor below the newest that fits, no more."""
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
    return ProofMark(ProofLevel.VERSIONS_TRAINED, found[0][1].record) if found else None


def _decision(
    question: Question,
    matrix: Matrix,
    candidate: TorchCandidate,
    stack: Stack,
    mark: ProofMark | None,
    rejected: list[Rejection],
    newer: Build | None,
) -> Decision:
    build = candidate.build
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
        notes=(*notes_on(_of_all_hosts(question), matrix, rejected, build), *_stepped_back(newer), *warnings),
        proof=mark,
        others=question.others,
        floor=_floor(build, matrix),
    )


def _floor(build: Build, matrix: Matrix) -> Floor | None:
    """What a CUDA build asks of driver and GPU on Linux, which is what containers run on."""
    driver = driver_floor(build.cuda, "linux", matrix) if build.cuda else None
    return Floor(driver, min((arch.capability for arch in build.archs), default=None)) if driver else None


def _stepped_back(newer: Build | None) -> Iterable[str]:
    if newer is not None:
        yield f"torch {newer.torch} fits as well but was not trained yet: --prefer newest takes it"


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
