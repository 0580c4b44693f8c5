"""Every shipped proof: its question is answered offline with the lock that was trained, and no rule objects to it."""

from __future__ import annotations

import socket
import subprocess
from functools import partial
from typing import Any

import pytest

from compatmatrix.lock.access import Access
from compatmatrix.lock.make import make_lock
from compatmatrix.lock.read import read_packages
from compatmatrix.matrix import Matrix
from compatmatrix.matrix.load import data_folder
from compatmatrix.model.fact import Fact
from compatmatrix.model.finding import Severity
from compatmatrix.model.host import Host, Python
from compatmatrix.model.lock import Lock
from compatmatrix.model.stack import Pin, Stack, local_flavour
from compatmatrix.resolve.proven import ProofRow, load_proofs, load_rows
from compatmatrix.resolve.question import IndexPolicy, Question, parse_requirements
from compatmatrix.rules import RULES, Case, judge

PROOFS = data_folder() / "proofs"
ROWS = load_rows(PROOFS)
of_every_proof = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.record)


def host_of(row: ProofRow) -> Host:
    """The host of a proof, without a GPU: those on PyPI were all locked so."""
    given = partial(Fact.of, origin="given")
    return Host(
        python=given(Python.parse(row.python)),
        platform=given(row.platform),
        libc=given(row.libc) if row.libc else Fact.unknown("not told"),
        driver=Fact.unknown("no GPU"),
        gpus=given(()),
    )


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket may connect and no child process may start."""

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("offline, and yet it looks outside")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)


def test_they_are_as_many_as_was_promised() -> None:
    assert len({(row.python, *row.stack.values()) for row in ROWS}) >= 60
    assert {row.record for row in ROWS} == {path.parent.name for path in PROOFS.glob("*/proof.json")}


@of_every_proof
def test_its_question_is_answered_offline(matrix: Matrix, no_network: None, row: ProofRow) -> None:
    index = IndexPolicy(row.build.partition("@")[2])
    pins = parse_requirements(f"{name}=={version}" for name, version in row.stack.items())
    question = Question(host_of(row), pins, index)
    made = make_lock(question, matrix, load_proofs(PROOFS), Access(True, None, PROOFS), progress=lambda _: None)
    assert isinstance(made, Lock)
    text = (PROOFS / row.record / "requirements.txt").read_text(encoding="utf-8")
    assert made.packages == read_packages(text, where=row.record)
    assert made.packages and all(package.hashes for package in made.packages)


@of_every_proof
def test_nothing_is_wrong_with_it(matrix: Matrix, row: ProofRow) -> None:
    text = (PROOFS / row.record / "requirements.txt").read_text(encoding="utf-8")
    packages = read_packages(text, where=row.record)
    pins = [Pin(each.name, each.version, local_flavour(each.version), "the lock") for each in packages]
    case = Case.of(Stack(pins), host_of(row), matrix)
    assert case.build is not None
    found = [finding for finding in judge(case, RULES) if finding.severity is not Severity.WARNING]
    assert found == []


def test_the_command_answers_without_a_resolver(capsys: pytest.CaptureFixture[str], no_network: None) -> None:
    """The last record of all, through the command line."""
    from compatmatrix.cli.main import run

    row = ROWS[-1]
    pins = [f"{name}=={version}" for name, version in row.stack.items()]
    where = [
        "--no-gpu",
        "--python-version",
        row.python,
        "--platform",
        row.platform,
        "--glibc",
        str(row.libc).split()[1],
    ]
    assert run(["lock", "--offline", "--index", "pypi", *where, *pins]) == 0
    assert f"torch=={row.stack['torch']}" in capsys.readouterr().out
