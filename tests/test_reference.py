"""Dockerfile.cuda is what the command renders today: its decision, its template, from its own embedded lock."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.version import Version

from compatmatrix.cli.decide_options import shipped_proofs
from compatmatrix.emit import load
from compatmatrix.lock.read import read_packages
from compatmatrix.matrix import load_matrix
from compatmatrix.model.decision import Decision
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Host, Libc, Python
from compatmatrix.model.lock import Lock
from compatmatrix.resolve.decide import decide
from compatmatrix.resolve.question import Prefer, Question

REFERENCE = Path(__file__).resolve().parent.parent / "Dockerfile.cuda"
COMMAND = (
    "compatmatrix dockerfile --gpu H200 --driver 580.65.06 --python-version 3.12 --platform linux-x86_64 --glibc 2.36"
    " --prefer newest --upgrade -o Dockerfile.cuda"
)


def test_the_reference_is_what_the_command_renders() -> None:
    matrix = load_matrix()
    host = Host(
        Fact.of(Python(Version("3.12")), "given"),
        Fact.of("linux-x86_64", "given"),
        Fact.of(Libc("glibc", 2, 36), "given"),
        Fact.of(DriverVersion("580.65.06"), "given"),
        Fact.of((matrix.gpu_names.find("H200"),), "given"),
    )
    decision = decide(Question(host, prefer=Prefer.NEWEST), matrix, shipped_proofs())
    assert isinstance(decision, Decision)
    text = REFERENCE.read_text(encoding="utf-8")
    embedded = re.search(r"^COPY <<'LOCK'[^\n]*\n(.*?)^LOCK$", text, re.S | re.M)
    assert embedded
    rendered = load("dockerfile").render(Lock(decision, read_packages(embedded[1])))
    assert _without_digests(rendered) == _without_digests(text), f"regenerate it: {COMMAND}"


def _without_digests(text: str) -> str:
    """The digests of the matrix and of the lock's header change with every new row; the pins' hashes stay."""
    return re.sub(r"(matrix[:=] ?\"?|lock=\")sha256:[0-9a-f]{64}", r"\1", text)
