"""The choice: the first candidate that no rule rejects, with the reasons why those before it were not taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from packaging.version import Version

from compatmatrix.errors import CompatmatrixError, UsageError
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import Build
from compatmatrix.model.decision import Decision, ProofMark, Rejection
from compatmatrix.model.fact import Fact
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.host import Host, Python
from compatmatrix.model.proof import ProofLevel
from compatmatrix.model.stack import Stack
from compatmatrix.resolve.candidates import TorchCandidate, fastai_candidates, torch_candidates
from compatmatrix.resolve.notes import notes_on
from compatmatrix.resolve.question import CORE, IndexPolicy, Prefer, Question
from compatmatrix.rules import RULES, Case, Scope, judge
from compatmatrix.rules.known_bad import applies

HOST_RULES = tuple(rule for rule in RULES if rule.scope is Scope.HOST)
VERSION_RULES = tuple(rule for rule in RULES if rule.scope is Scope.VERSIONS)

# What a proof is found by: platform, Python's minor and the versions of these packages, in any build.
CORE_OF_PROOF = ("fastai", "torch", "torchvision")
ProofKey = tuple[str, ...]
Proofs = Mapping[ProofKey, Iterable[tuple[str, ProofMark]]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """No candidate fits: an answer. rejected: every candidate with its findings, in preference order."""

    rejected: tuple[Rejection, ...]
    notes: tuple[str, ...]


def decide(question: Question, matrix: Matrix, proofs: Proofs | None = None) -> Decision | Refusal:
    """The stack for a host (level 1), from the matrix alone.

    proofs: what has been trained, by versions. Raises UsageError for requirements no release can meet, and
    CompatmatrixError where the host is not known well enough.
    """
    _need_host(question.host)
    _need_releases(question, matrix)
    proofs = proofs or {}
    rejected: list[Rejection] = []
    standing: list[TorchCandidate] = []
    waiting = torch_candidates(question, matrix)

    def torches() -> Iterable[TorchCandidate]:
        yield from standing
        for candidate in waiting:
            findings = _errors(_host_findings(candidate, question.host, matrix))
            if findings:
                rejected.append(_rejection(candidate.build, candidate.stack, findings))
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
            findings = _errors(_version_findings(stack, candidate.build, question.host, matrix))
            if findings:
                rejected.append(_rejection(candidate.build, stack, findings))
                continue
            mark = proof_of(stack, candidate.build, question.host, proofs)
            taken.append((candidate, stack, mark, len(rejected)))
            if question.prefer is Prefer.NEWEST or mark is not None or not proofs:
                break
        if taken:
            torch, stack, mark, before = next((choice for choice in taken if choice[2] is not None), taken[0])
            return _decision(question, matrix, torch, stack, mark, rejected[:before])
    notes = notes_on(question, matrix, rejected, None) if rejected else [_nothing_to_try(question)]
    return Refusal(tuple(rejected), tuple(notes))


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
            problems.append(f"{asked}: no such release in the matrix, which knows {_span(list(rows))}")
    if problems:
        raise UsageError(
            problems, hint="releases newer than the matrix: compatmatrix matrix show torch", slug="unknown-release"
        )


def _span(releases: list[Version]) -> str:
    return f"{releases[-1]} to {releases[0]}" if releases else "none"


def _errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)


def _host_findings(candidate: TorchCandidate, host: Host, matrix: Matrix) -> tuple[Finding, ...]:
    case = Case(candidate.stack, host, matrix, candidate.build)
    return judge(case, HOST_RULES) + _version_findings(candidate.stack, candidate.build, host, matrix)


@lru_cache(maxsize=65536)
def _cached_version_findings(stack: Stack, build: Build, python: Python, matrix: Matrix) -> tuple[Finding, ...]:
    aside = "not looked at"
    host = Host(
        Fact.of(python, "asked"),
        Fact.of(build.platform, "asked"),
        Fact.unknown(aside),
        Fact.unknown(aside),
        Fact.unknown(aside),
    )
    return judge(Case(stack, host, matrix, build), VERSION_RULES)


def _version_findings(stack: Stack, build: Build, host: Host, matrix: Matrix) -> tuple[Finding, ...]:
    python = host.python.value
    return _cached_version_findings(stack, build, python, matrix) if python else ()


def _rejection(build: Build, stack: Stack, findings: tuple[Finding, ...]) -> Rejection:
    return Rejection(stack, build.build, build.index, findings)


def _worth_stepping_back(question: Question, newest: Build, candidate: Build, matrix: Matrix) -> bool:
    """Whether an older torch may still be taken for being proven: one minor below the newest that fits, no more."""
    if question.prefer is Prefer.NEWEST:
        return False
    minors: list[tuple[int, int]] = []
    for torch in matrix.torches:
        minor = (torch.major, torch.minor)
        if minor <= (newest.torch.major, newest.torch.minor) and minor not in minors:
            minors.append(minor)
    return (candidate.torch.major, candidate.torch.minor) in minors[:2]


def proof_key(stack: Stack, platform: str, python: Python) -> ProofKey:
    """What a proof of this stack is filed under."""
    return (platform, python.minor, *(f"{name}=={stack.release(name)}" for name in CORE_OF_PROOF))


def proof_of(stack: Stack, build: Build, host: Host, proofs: Proofs) -> ProofMark | None:
    """The best proof of a stack: of this very build, else of the same versions in another."""
    python = host.python.value
    if python is None or not proofs:
        return None
    found = list(proofs.get(proof_key(stack, build.platform, python), ()))
    same = [mark for tag, mark in found if tag == f"{build.build}@{build.index}"]
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
) -> Decision:
    build = candidate.build
    base = question.pytorch_index.rstrip("/") or matrix.pytorch_index
    case = Case(stack, question.host, matrix, build)
    findings = _version_findings(stack, build, question.host, matrix)
    warnings = [finding.message for finding in findings if finding.severity is Severity.WARNING]
    return Decision(
        stack=stack,
        build=build.build,
        index=build.index,
        index_url=f"{base}/{build.build}" if build.index == "pytorch" else "",
        requirements=tuple(_requirements(question, stack)),
        constraints=tuple(_constraints(case)),
        host=question.host,
        matrix_digest=matrix.digest,
        rejected=tuple(rejected),
        notes=(*notes_on(question, matrix, rejected, build), *warnings),
        proof=mark,
    )


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
