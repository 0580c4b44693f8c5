"""conda's environment.yml: conda packages, the pip section, channels, and which CUDA they ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.requirements import InvalidRequirement
from packaging.utils import canonicalize_name

from compatmatrix.errors import BadInput
from compatmatrix.manifests.conda_spec import CUDA_NAMES, CondaSpec, parse, written
from compatmatrix.manifests.format import Format
from compatmatrix.manifests.index_urls import Asked, asked_in
from compatmatrix.manifests.manifest import Entry, Manifest, Section
from compatmatrix.manifests.requirements import (
    entry_of,
    entry_of_wheel,
    parse_requirement,
    read_requirements,
    replace_specifier,
    same_specifier,
)
from compatmatrix.manifests.yaml_nodes import Node, load
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.finding import Place


def read(path: Path, text: str) -> Manifest:
    """Raises BadInput with file and line."""
    root = load(path, text)
    problems: list[str] = []
    specs = list(_specs(path, root, problems))
    pip = list(_pip(path, root, problems))
    if problems:
        raise BadInput(problems)
    channel = _only_channel(root)
    entries = [
        Entry(spec.name, spec.specifier, place, conda=True, channel=spec.channel or channel)
        for spec, place in specs
        if spec.name != "python"
    ]
    python = next((spec.specifier for spec, _ in specs if spec.name == "python"), "")
    cuda, where = cuda_of(specs)
    # pip installs after conda and replaces what it finds.
    later = {entry.name for entry in pip}
    kept = (entry for entry in entries if entry.name not in later)
    return Manifest(path, (Section("", (*kept, *pip), python, cuda=cuda, cuda_place=where),))


def _only_channel(root: Node) -> str:
    """The channel of a file that names one and shuts out those of the user's own settings; empty otherwise."""
    named = [node.value for node in root.items("channels") if isinstance(node.value, str)]
    others = [name.rpartition("/")[2] for name in named if name != "nodefaults"]
    return others[0] if len(others) == 1 and "nodefaults" in named else ""


def cuda_of(specs: list[tuple[CondaSpec, Place]]) -> tuple[Cuda | None, Place | None]:
    """The CUDA release that conda packages ask for, and where; none where a CPU build is asked for."""
    if any(spec.name == "cpuonly" or (spec.name == "torch" and "cpu" in spec.build) for spec, _ in specs):
        return None, None
    if not any(spec.name == "torch" for spec, _ in specs):
        return None, None
    for name in (*CUDA_NAMES, "torch"):
        for spec, place in specs:
            if spec.name == name and spec.cuda:
                return spec.cuda, place
    return None, None


def _specs(path: Path, root: Node, problems: list[str]) -> Iterator[tuple[CondaSpec, Place]]:
    for node in root.items("dependencies"):
        if isinstance(node.value, dict):
            continue
        spec = parse(node.value) if isinstance(node.value, str) else None
        if spec is None:
            # A list may hold itself, or more than fits into memory once it is written out.
            what = repr(node.value[:60]) if isinstance(node.value, str) else "a list"
            problems.append(f"{path}:{node.line}: not a conda specification: {what}")
        else:
            yield spec, Place(str(path), node.line)


def _pip(path: Path, root: Node, problems: list[str]) -> Iterator[Entry]:
    rows = [row for node in root.items("dependencies") for row in node.items("pip")]
    texts = [(row.value.strip(), row.line) for row in rows if isinstance(row.value, str)]
    asked = Asked()
    for text, _ in texts:
        if text.startswith("-"):
            asked = asked.and_then(asked_in(re.sub(r"\s#.*$", "", text)))
    flavour, only = asked.build
    for text, line in texts:
        include = re.match(r"(?:-r|-c|--requirement|--constraint)[ =]\s*(.+)$", text)
        if include:
            other = path.parent / include[1].strip()
            if not other.is_file():
                problems.append(f"{path}:{line}: {other}: No such file")
            else:
                for section in read_requirements(other).sections:
                    yield from section.entries
        elif text and not text.startswith("-"):
            bare, place = re.sub(r"\s#.*$", "", text), Place(str(path), line)
            if wheel := entry_of_wheel(bare, place):
                yield wheel
                continue
            try:
                requirement = parse_requirement(bare)
            except InvalidRequirement as error:
                problems.append(f"{path}:{line}: {str(error).splitlines()[0]}")
                continue
            if requirement:
                yield entry_of(requirement, place, flavour, only)


def edit(path: Path, text: str, changes: Mapping[str, str]) -> str:
    """The text with new versions on their lines; everything else stays. A conda package gets the version without the
    wheel's local part, for conda has its own builds."""
    root = load(path, text)
    lines = text.splitlines(keepends=True)
    for node in root.items("dependencies"):
        if isinstance(node.value, str):
            spec = parse(node.value)
            wanted = changes.get(canonicalize_name(spec.name)) if spec else None
            if spec and wanted and not same_specifier(spec.specifier, re.sub(r"\+[^,]*", "", wanted)):
                _swap(lines, node, written(node.value.strip(), wanted))
        for row in node.items("pip"):
            new = _edited(row.value, changes) if isinstance(row.value, str) else None
            if new is not None:
                _swap(lines, row, new)
    return "".join(lines)


def _edited(text: str, changes: Mapping[str, str]) -> str | None:
    try:
        requirement = None if text.strip().startswith("-") else parse_requirement(text)
    except InvalidRequirement:
        return None
    wanted = changes.get(canonicalize_name(requirement.name)) if requirement else None
    if requirement is None or wanted is None or same_specifier(str(requirement.specifier), wanted):
        return None
    return replace_specifier(text, wanted)


def _swap(lines: list[str], node: Node, new: str) -> None:
    line = lines[node.line - 1]
    if isinstance(node.value, str):
        # YAML would take these as something else than text.
        quoted = re.search(rf"(['\"]){re.escape(node.value)}\1", line)
        safe = new if quoted or not re.match(r"[*&!%@`{\[]|.*(: | #)", new) else f'"{new}"'
        lines[node.line - 1] = line.replace(node.value, safe, 1)


FORMAT = Format("environment.yml", read, edit)
