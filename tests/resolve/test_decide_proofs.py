"""Decisions among proven stacks, and those that their versions warn of."""

from __future__ import annotations

from typing import Any

import pytest
from cases import LINUX, find_build, host
from packaging.version import Version

from compatmatrix.matrix import Matrix
from compatmatrix.model.decision import Decision, ProofMark
from compatmatrix.model.proof import ProofLevel
from compatmatrix.model.stack import Pin, Stack
from compatmatrix.resolve.decide import decide, proof_key, proof_tag
from compatmatrix.resolve.question import Prefer, Question, parse_requirements
from compatmatrix.rules import Case, known_bad

from .asking import decided, minors


def proofs_of(made: Decision, build: str = "", level: ProofLevel = ProofLevel.TRAINED_CPU) -> dict[Any, Any]:
    assert made.host.python.value
    assert made.host.platform.value
    key = proof_key(made.stack, made.host.platform.value)
    tag, _, index = (build or f"{made.build}@{made.index}").partition("@")
    return {key: [(proof_tag(made.host.python.value, tag, index), ProofMark(level, "a record"))]}


@pytest.mark.parametrize(
    ("back", "prefer", "taken"),
    [
        (0, Prefer.PROVEN, 0),
        (1, Prefer.PROVEN, 1),
        (2, Prefer.PROVEN, 0),
        (0, Prefer.NEWEST, 0),
        (1, Prefer.NEWEST, 0),
    ],
)
def test_stepping_back_at_most_one_minor_for_a_proof(matrix: Matrix, back: int, prefer: Prefer, taken: int) -> None:
    releases = minors(matrix)
    where = host("8.0")
    proofs = proofs_of(decided(matrix, where, f"torch=={releases[back]}"))
    made = decide(Question(where, prefer=prefer), matrix, proofs)
    assert isinstance(made, Decision)
    assert made.stack.release("torch") == releases[taken]
    assert made.proof == (ProofMark(ProofLevel.TRAINED_CPU, "a record") if back == taken else None)


def test_a_proof_of_another_build_counts_as_versions_trained(matrix: Matrix) -> None:
    where = host("8.0")
    plain = decided(matrix, where)
    made = decide(Question(where), matrix, proofs_of(plain, "cpu@pytorch"))
    assert isinstance(made, Decision)
    assert made.proof == ProofMark(ProofLevel.VERSIONS_TRAINED, "a record")
    assert (made.stack, made.build) == (plain.stack, plain.build)


def test_the_best_proof_of_this_build_is_named(matrix: Matrix) -> None:
    where = host("8.0")
    plain = decided(matrix, where)
    (key, (entry,)) = next(iter(proofs_of(plain).items()))
    proofs = {key: [entry, (entry[0], ProofMark(ProofLevel.TRAINED_GPU, "better")), ("3.12 cpu@pytorch", entry[1])]}
    made = decide(Question(where), matrix, proofs)
    assert isinstance(made, Decision)
    assert made.proof == ProofMark(ProofLevel.TRAINED_GPU, "better")


def test_a_proof_for_another_python_counts_as_versions_trained(matrix: Matrix) -> None:
    proofs = proofs_of(decided(matrix, host("8.0", python="3.12")))
    made = decide(Question(host("8.0")), matrix, proofs)
    assert isinstance(made, Decision)
    assert made.proof == ProofMark(ProofLevel.VERSIONS_TRAINED, "a record", "3.12")
    assert made.proof.words == "versions-trained on Python 3.12"


def test_a_stack_that_its_versions_warn_of_gives_way_within_one_minor(matrix: Matrix) -> None:
    where = host("7.5", python="3.9")
    newest = decided(matrix, where, "torch<2.6", prefer=Prefer.NEWEST)
    case = Case(newest.stack, where, matrix, find_build(matrix, str(newest.stack.release("torch")), newest.build))
    assert [finding.code for finding in known_bad.check(case)] == ["behaviour-change"]
    made = decided(matrix, where, "torch<2.6")
    minors = [matrix.torch_minors.index(one.stack["torch"].release.release[:2]) for one in (newest, made)]
    assert minors[1] - minors[0] == 1
    assert made.stack["fastai"] == newest.stack["fastai"]
    assert not list(known_bad.check(case._replace(stack=made.stack)))
    assert any("fits as well with a warning" in note for note in made.notes)
    pinned = decided(matrix, where, f"torch=={newest.stack.release('torch')}")
    assert pinned.stack.release("torch") == newest.stack.release("torch")


def test_an_older_fastai_is_no_way_out_of_a_warning(matrix: Matrix) -> None:
    """Where the next minor of torch is warned of as well, the newest stays, with its warning."""
    made = decided(matrix, host("7.5", python="3.9"))
    assert made.stack == decided(matrix, host("7.5", python="3.9"), prefer=Prefer.NEWEST).stack
    assert any("does not work with fastai" in note for note in made.notes)


def test_older_ptx_is_the_last_resort_and_is_said(matrix: Matrix) -> None:
    where = host("12.0", platform="windows-amd64")
    free = decided(matrix, where)
    assert not any("only PTX" in note for note in free.notes)
    last = decided(matrix, where, "torch<2.7")
    assert any("only PTX of an older generation" in note for note in last.notes)


def test_a_proof_does_not_lead_to_a_stack_that_does_not_fit(matrix: Matrix) -> None:
    proofs = proofs_of(decided(matrix, host("9.0")))
    made = decide(Question(host("7.0")), matrix, proofs)
    assert isinstance(made, Decision)
    assert made.stack == decided(matrix, host("7.0")).stack


def test_a_pin_outweighs_a_proof(matrix: Matrix) -> None:
    releases = minors(matrix)
    where = host("8.0")
    proofs = proofs_of(decided(matrix, where, f"torch=={releases[1]}"))
    made = decide(Question(where, parse_requirements([f"torch=={releases[0]}"])), matrix, proofs)
    assert isinstance(made, Decision)
    assert made.stack.release("torch") == releases[0]


def test_the_key_of_a_proof_knows_neither_build_nor_python() -> None:
    one = Stack([Pin("torch", Version("2.8.0+cpu"), "cpu"), Pin("fastai", Version("2.8.4"))])
    other = Stack([Pin("torch", Version("2.8.0"), "cu128"), Pin("fastai", Version("2.8.4"))])
    assert proof_key(one, LINUX) == proof_key(other, LINUX)
    assert proof_key(one, LINUX) != proof_key(one, "linux-aarch64")
    short, full = host(python="3.11").python.value, host(python="3.11.9").python.value
    assert short
    assert full
    assert proof_tag(short, "cpu", "pypi") == proof_tag(full, "cpu", "pypi") == "3.11 cpu@pypi"
