"""The words that every text format says about itself: by whom, for which host, how far proven."""

from __future__ import annotations

from collections import Counter
from typing import Any

import compatmatrix
from compatmatrix.index import without_credentials
from compatmatrix.model.decision import Decision
from compatmatrix.model.fact import Fact
from compatmatrix.model.host import Host
from compatmatrix.model.proof import ProofLevel

_HEADLINE = ("torch", "torchvision", "torchaudio", "fastai")


def header_lines(decision: Decision) -> list[str]:
    """Plain sentences without comment signs. No clock and no host name: same question, same bytes."""
    stack = ", ".join(str(decision.stack[name]) for name in _HEADLINE if name in decision.stack)
    lines = [
        f"made by compatmatrix {compatmatrix.__version__}" + (f": {stack}" if stack else ""),
        *dict.fromkeys(f"host: {host_line(host)}" for host in decision.hosts),
        *([f"also: {', '.join(decision.elsewhere)}"] if decision.elsewhere else []),
        *dict.fromkeys(f"gpu: {gpu_line(host)}" for host in decision.hosts),
        f"build: {decision.build} from {index_words(decision)}",
        f"matrix: {decision.matrix_digest}",
        f"proof: {proof_words(decision)}",
        *(f"note: {note}" for note in decision.notes),
    ]
    # A line end in a note would leave the comment and become an instruction to pip or Docker.
    return [" ".join(line.split()) for line in lines]


def comment(decision: Decision) -> list[str]:
    """The header as comment lines."""
    return [f"# {line}" for line in header_lines(decision)]


def host_line(host: Host) -> str:
    """Platform, Python and C library: "linux-x86_64, Python 3.12, glibc 2.36"."""
    return f"{_say(host.platform, 'platform')}, Python {_say(host.python)}, {_say(host.libc, 'C library')}"


def gpu_line(host: Host) -> str:
    """The GPUs with their number, and the driver."""
    if host.gpus.value is None:
        return f"unknown, driver {_say(host.driver)}"
    if not host.gpus.value:
        return "none"
    counted = Counter(str(gpu) for gpu in host.gpus.value)
    return ", ".join(f"{number} x {gpu}" for gpu, number in counted.items()) + f"; driver {_say(host.driver)}"


def index_words(decision: Decision) -> str:
    """Where torch comes from: "PyPI" or the PyTorch index's URL."""
    return without_credentials(decision.index_url) if decision.index_url else "PyPI"


def proof_words(decision: Decision) -> str:
    """The proof level, with its record where there is one."""
    if decision.proof is None:
        return str(ProofLevel.RESOLVED)
    record = f" ({decision.proof.record})" if decision.proof.record else ""
    return f"{decision.proof.words}{record}"


def _say(fact: Fact[Any], what: str = "") -> str:
    if fact.value is not None:
        return str(fact.value)
    return f"{what} unknown".strip()
