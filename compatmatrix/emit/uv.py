"""pyproject.toml for uv: the decision as dependencies, bound to their index, the closure as constraints."""

from __future__ import annotations

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from compatmatrix.emit import toml
from compatmatrix.emit.format import Format
from compatmatrix.emit.header import comment
from compatmatrix.emit.python import requires_python
from compatmatrix.emit.requirements import pin
from compatmatrix.index import without_credentials
from compatmatrix.model.lock import Lock
from compatmatrix.model.target import platform_marker


def render(lock: Lock) -> str:
    """A project that `uv lock` and `uv sync` take as it is, and whose tables can be copied into one that is there.

    An explicit index serves only the packages that are bound to it. uv.lock holds the hashes; the versions here are
    those of the lock. Markers keep uv from looking for this build on platforms that it was not made for.
    """
    decision = lock.decision
    direct = {canonicalize_name(Requirement(text).name) for text in decision.requirements}
    # A source is heeded for direct dependencies only, so what comes from that index has to be one.
    pulled = [pin(package) for package in lock.packages if package.index and package.name not in direct]
    python = requires_python(decision)
    rest = [pin(package) for package in lock.packages if not package.index and package.name not in _pinned(lock)]
    environments = list(filter(None, map(platform_marker, decision.platforms)))
    lines = [
        *comment(decision),
        "[project]",
        'name = "the-locked-stack"',
        'version = "0"',
        *([f"requires-python = {toml.value(python)}"] if python else []),
        *toml.lines("dependencies", [*decision.requirements, *pulled]),
        "",
        "[tool.uv]",
        *(toml.lines("environments", environments) if environments else []),
        *toml.lines("constraint-dependencies", rest),
    ]
    return "\n".join([*lines, *_indexes(lock)]) + "\n"


def _pinned(lock: Lock) -> set[str]:
    """The direct dependencies that are pinned already."""
    parsed = map(Requirement, lock.decision.requirements)
    return {canonicalize_name(req.name) for req in parsed if any(spec.operator == "==" for spec in req.specifier)}


def _indexes(lock: Lock) -> list[str]:
    urls = sorted({package.index for package in lock.packages if package.index})
    names = {url: "pytorch-" + url.rstrip("/").rpartition("/")[2] for url in urls}
    lines: list[str] = []
    for url in urls:
        lines += [
            "",
            "[[tool.uv.index]]",
            f"name = {toml.value(names[url])}",
            f"url = {toml.value(without_credentials(url))}",
            "explicit = true",
        ]
    if urls:
        lines += ["", "[tool.uv.sources]"]
    whole = platform_marker(lock.decision.platforms[0]) if len(lock.decision.platforms) == 1 else ""
    bound: dict[str, list[dict[str, toml.Value]]] = {}
    for package in lock.packages:
        if package.index:
            where = package.marker if len(lock.decision.platforms) > 1 else whole
            row: dict[str, toml.Value] = {"index": names[package.index]}
            bound.setdefault(package.name, []).append({**row, "marker": where} if where else row)
    return [*lines, *(f"{toml.key(name)} = {toml.value(rows)}" for name, rows in bound.items())]


FORMAT = Format("uv", "pyproject.toml", render, universal=True)
