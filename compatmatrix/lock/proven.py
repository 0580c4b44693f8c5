"""Locks that were shipped with their proof: for a proven stack and nothing more, the lock that was trained, offline."""

from __future__ import annotations

from pathlib import Path

from compatmatrix.emit.digest import lock_digest
from compatmatrix.lock.read import read_packages
from compatmatrix.model.decision import Decision
from compatmatrix.model.lock import Lock
from compatmatrix.model.proof import ProofLevel
from compatmatrix.resolve.proven import ProofRow, load_rows
from compatmatrix.resolve.question import Question


def proven_lock(decision: Decision, question: Question, folder: Path) -> Lock | None:
    """The shipped lock behind a decision, None where there is none that fits.

    It fits where this very build was trained, nothing else was asked for, and the host's C library is no older than
    the one that it was locked for. A file that does not have the digest of its proof is not used.
    """
    mark = decision.proof
    if mark is None or mark.level not in (ProofLevel.TRAINED_CPU, ProofLevel.TRAINED_GPU):
        return None
    if question.extras or question.wanted("torchaudio") or any(req.extras for req in question.requirements):
        return None
    row = next((row for row in load_rows(folder) if row.record == mark.record), None)
    if row is None or not _fits(row, decision):
        return None
    path = folder / row.record / "requirements.txt"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if lock_digest(text) != row.lock:
        return None
    return Lock(decision, read_packages(text, where=str(path)))


def _fits(row: ProofRow, decision: Decision) -> bool:
    libc = decision.host.libc.value
    if row.libc is None:
        return True
    return libc is not None and libc.kind == row.libc.kind and libc >= row.libc
