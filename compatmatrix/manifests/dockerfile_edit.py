"""New versions in a Dockerfile: in the words of pip and conda lines, in heredocs, and in the ARG behind a version."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from packaging.requirements import InvalidRequirement
from packaging.utils import canonicalize_name

from compatmatrix.manifests import conda_spec, install_commands
from compatmatrix.manifests.dockerfile_syntax import Instruction, Word, assignments, commands, instructions, replaced
from compatmatrix.manifests.requirements import edit as edit_requirements
from compatmatrix.manifests.requirements import parse_requirement, replace_specifier, same_specifier


class _Defined(dict[str, str]):
    """Values of variables, and where each is written: line and text."""

    def __init__(self) -> None:
        super().__init__()
        self.written: dict[str, tuple[int, str]] = {}


def edit(path: Path, text: str, changes: Mapping[str, str]) -> str:
    """The text with new specifiers; everything else stays, to the byte. Raises BadInput for lines with hashes."""
    lines = text.splitlines(keepends=True)
    known = _Defined()
    for instruction in instructions(text):
        if instruction.keyword in ("ARG", "ENV"):
            for name, word, offset in assignments(instruction):
                value = replaced(word.text, known)
                if value is not None:
                    known[name] = value
                    known.written[name] = instruction.line_at(offset), word.raw
        for heredoc in instruction.heredocs:
            body = "\n" * (heredoc.line - 1) + "\n".join(heredoc.lines)
            if instruction.keyword == "RUN":
                script = "\n".join(heredoc.lines)
                for command in commands(script.replace("\\\n", "  ")):
                    _edit_command(lines, partial(_line_of, script, heredoc.line), command, known, changes)
                continue
            for line, new in enumerate(edit_requirements(path, body, changes).split("\n"), start=1):
                if line >= heredoc.line and new != heredoc.lines[line - heredoc.line]:
                    lines[line - 1] = lines[line - 1].replace(heredoc.lines[line - heredoc.line], new, 1)
        if instruction.keyword == "RUN" and not instruction.heredocs:
            for command in _commands(instruction):
                _edit_command(lines, instruction.line_at, command, known, changes)
    return "".join(lines)


def _line_of(script: str, first: int, offset: int) -> int:
    return first + script.count("\n", 0, offset)


def _commands(instruction: Instruction) -> list[list[Word]]:
    if not instruction.text.lstrip().startswith("["):
        return list(commands(instruction.text))
    quoted = re.finditer(r'"((?:[^"\\]|\\.)*)"', instruction.text)
    return [[Word(match[1], match[1], match.start(1)) for match in quoted]]


def _edit_command(
    lines: list[str],
    line_at: Callable[[int], int],
    command: list[Word],
    known: _Defined,
    changes: Mapping[str, str],
) -> None:
    install = install_commands.read(command, known)
    raws = {word.offset: word for word in command}
    for word in install.words if install else ():
        written = raws.get(word.offset)
        name, old = _named(word.text, bool(install and install.conda))
        wanted = changes.get(name)
        if written is None or wanted is None:
            continue
        if install and install.conda:
            wanted = re.sub(r"\+[^,]*", "", wanted)
        if same_specifier(old, wanted):
            continue
        at = line_at(word.offset) - 1
        variable = re.search(r"==?\$\{?(\w+)\}?([\w.+]*)", written.raw)
        if variable and variable[1] in known.written and re.fullmatch(r"==[^,*]+", wanted):
            place, value = known.written[variable[1]]
            version, behind = _around(wanted[2:], variable[2])
            lines[place - 1] = _swapped(lines[place - 1], value, _default(value, version), after=variable[1])
            if behind != variable[2]:
                new = written.raw.replace(variable[0], variable[0].removesuffix(variable[2]) + behind, 1)
                lines[at] = lines[at].replace(written.raw, new, 1)
        elif "$" not in written.raw:
            new = conda_spec.written(written.text, wanted) if install and install.conda else ""
            new = new or replace_specifier(written.text, wanted)
            lines[at] = lines[at].replace(written.raw, _quoted(new, written.raw), 1)


def _around(version: str, behind: str) -> tuple[str, str]:
    """A version in two: for the variable, and for what stands behind it on the line ("+cu124"); it stays whole where
    that is not its build."""
    public, plus, local = version.partition("+")
    return (public, f"+{local}" if plus else "") if behind.startswith("+") else (version, behind)


def _default(old: str, version: str) -> str:
    """The value of a variable with another version; "${NAME:-2.5.1}" keeps its name."""
    quote = old[0] if old[:1] in ("'", '"') else ""
    given = re.fullmatch(r"(\$\{\w+:?-)[^{}]*(\})", old.strip("'\""))
    return f"{quote}{given[1]}{version}{given[2]}{quote}" if given else f"{quote}{version}{quote}"


def _swapped(line: str, old: str, new: str, *, after: str) -> str:
    start = line.find(after) + len(after)
    return line[:start] + line[start:].replace(old, new, 1)


def _quoted(new: str, old: str) -> str:
    quote = old[0] if old[:1] in ("'", '"') and old[-1:] == old[0] else ""
    if not quote and re.search(r"[<>!*\s;]", new):
        quote = '"'
    return f"{quote}{new}{quote}"


def _named(text: str, conda: bool) -> tuple[str, str]:
    """Name and specifier of a word; an empty name for what is no requirement."""
    if conda:
        spec = conda_spec.parse(text)
        return (spec.name, spec.specifier) if spec else ("", "")
    try:
        requirement = parse_requirement(text)
    except InvalidRequirement:
        return "", ""
    return (canonicalize_name(requirement.name), str(requirement.specifier)) if requirement else ("", "")
