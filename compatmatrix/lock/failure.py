"""uv's complaints as our errors: no solution, an index out of reach, or a failure that nobody foresaw."""

from __future__ import annotations

import re

from compatmatrix.errors import CompatmatrixError, IndexClosed, IndexUnavailable, NoSolution, ToolFailed
from compatmatrix.index import CLOSED_HINT, UNREACHABLE_HINT, host_of
from compatmatrix.lock.question import PROJECT
from compatmatrix.process import Finished

_NEEDS_SOURCE = (
    re.compile(r"Wheels are required for `([A-Za-z0-9._-]+)`"),
    re.compile(r"\b([A-Za-z0-9][A-Za-z0-9._-]*)[=<>!~]=?[^\s,]* has no usable wheels"),
)
_NETWORK = re.compile(
    r"Failed to fetch|error sending request|[Cc]ould not connect|operation timed out|dns error|Request failed after"
)
_REFUSED = re.compile(
    r"\((https?://\S+)\) (?:returned a (?:401|407)"
    r"|could not be queried due to a lack of valid authentication credentials \((?:401|407))"
)
_ADDRESS = re.compile(r"https?://[^\s`'\")]+")


def needs_source(stderr: str) -> frozenset[str]:
    """The packages that uv refused because they have no wheel, and that it could build."""
    return frozenset(name.lower().replace("_", "-") for pattern in _NEEDS_SOURCE for name in pattern.findall(stderr))


def lacks_package(stderr: str) -> bool:
    """Whether some package was on no index that uv asked."""
    return "was not found in the package registry" in " ".join(stderr.split())


def as_error(finished: Finished) -> CompatmatrixError:
    """What a failed run of uv means."""
    text = _clean(finished.stderr)
    if finished.timed_out:
        return IndexUnavailable(f"resolving: {finished.describe()}", hint="try again; a slow index is the usual cause")
    refused = _REFUSED.search(text)
    if refused:
        return IndexClosed(f"package index {host_of(refused[1])}: wants credentials", hint=CLOSED_HINT)
    if "network was disabled" in text:
        reasons, _ = _explanation(text)
        return IndexUnavailable(
            reasons, hint="--offline has only what was fetched before and what was proven; leave it out"
        )
    if "No solution found" in text:
        reasons, hints = _explanation(text)
        ours = "relax what was asked for besides the stack, or its pins"
        return NoSolution(reasons, hint="; ".join([ours, *hints]))
    if _NETWORK.search(text):
        address = _ADDRESS.search(text)
        where = host_of(address[0]) if address else "an index"
        reason = text.splitlines()[-1].removeprefix("cause: ")
        return IndexUnavailable(f"package index {where}: {reason}", hint=UNREACHABLE_HINT)
    tail = [line for line in text.splitlines() if line.strip()][-12:] or ["it said nothing"]
    return ToolFailed(f"uv: {finished.describe()}: {' | '.join(tail)}")


def _clean(stderr: str) -> str:
    """Without colours, credentials and the name of our own project file."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", stderr)
    text = re.sub(r"(https?://)[^/\s@]+@", r"\1", text)
    text = text.replace(PROJECT, PROJECT.replace("-", " "))
    return "\n".join(line.strip() for line in text.splitlines()).strip()


def _explanation(text: str) -> tuple[list[str], list[str]]:
    """uv's own deduction, one reason a line, and its hints."""
    reasons: list[str] = []
    hints: list[str] = []
    for line in text.splitlines():
        plain = re.sub(r"^(error: No solution found.*|cause: )", "", line)
        if plain.startswith("hint: "):
            hints.append(plain.removeprefix("hint: "))
        elif plain and not plain.startswith(("warning:", "Resolved ")):
            (hints if hints else reasons).append(plain)
    return reasons or ["uv found no solution"], hints
