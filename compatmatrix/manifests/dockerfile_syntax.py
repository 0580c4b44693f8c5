"""A Dockerfile as instructions with lines: continuations, comments, heredocs, the escape directive, variables.

Source of the syntax: docs.docker.com/reference/dockerfile.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_HEREDOC = re.compile(r"<<(-?)\s*([\"']?)([A-Za-z_]\w*)\2")
_WITH_HEREDOC = ("RUN", "COPY", "ADD")


class Heredoc(NamedTuple):
    """line: of its first line of content."""

    name: str
    lines: tuple[str, ...]
    line: int


class Instruction(NamedTuple):
    """keyword: in capitals. text: its arguments with continuations joined. starts: offset and line of each piece."""

    keyword: str
    text: str
    line: int
    starts: tuple[tuple[int, int], ...]
    heredocs: tuple[Heredoc, ...] = ()

    def line_at(self, offset: int) -> int:
        """The line in the file of a character of the text."""
        return self.starts[bisect_right(self.starts, (offset, 1 << 60)) - 1][1]


def instructions(text: str) -> Iterator[Instruction]:
    """The instructions in order. Lines that are none are left out: whether a Dockerfile builds is not our question."""
    lines = text.splitlines()
    escape = "\\"
    if match := re.match(r"(?:#\s*\w+\s*=.*\n)*#\s*escape\s*=\s*([\\`])", text, re.IGNORECASE):
        escape = match[1]
    number = 0
    while number < len(lines):
        first = number
        pieces: list[tuple[str, int]] = []
        while number < len(lines):
            line = lines[number]
            number += 1
            if line.lstrip().startswith("#") or (pieces and not line.strip()):
                continue  # comments and empty lines do not end a continuation
            more = line.rstrip().endswith(escape)
            pieces.append((line.rstrip()[:-1] + " " if more else line, number))
            if not more:
                break
        if not pieces:
            break
        joined, starts, offset = "", [], 0
        for piece, at in pieces:
            starts.append((offset, at))
            joined += piece
            offset += len(piece)
        match = re.match(r"\s*(?:ONBUILD\s+)?([A-Za-z]+)(?:\s+|$)", joined)
        if not match:
            number = max(number, first + 1)
            continue
        keyword = match[1].upper()
        heredocs = []
        if keyword in _WITH_HEREDOC:
            for dash, _, name in _HEREDOC.findall(joined):
                body, begin = [], number + 1
                while number < len(lines) and (lines[number].lstrip("\t") if dash else lines[number]) != name:
                    body.append(lines[number])
                    number += 1
                number += 1
                heredocs.append(Heredoc(name, tuple(body), begin))
        cut = match.end()
        moved = tuple((max(0, at - cut), line) for at, line in starts)
        yield Instruction(keyword, joined[cut:], pieces[0][1], moved, tuple(heredocs))


class Word(NamedTuple):
    """A word of a command line. raw: as written, with its quotes. text: without quotes, variables not yet replaced."""

    text: str
    raw: str
    offset: int


_WORD = re.compile(r"(?:\\.|\"(?:\\.|[^\"\\])*\"|'[^']*'|\$\([^)]*\)|\$\{[^}]*\}|[^\s;&|\"'\\()]|\\$)+", re.S)


def commands(text: str) -> Iterator[list[Word]]:
    """The simple commands of a shell line, split at &&, ||, ; and |."""
    words: list[Word] = []
    position = 0
    while position < len(text):
        if match := re.compile(r"&&|\|\||[;|&()\n]").match(text, position):
            if words:
                yield words
            words, position = [], match.end()
        elif match := _WORD.match(text, position):
            if match[0].startswith("#"):
                end = text.find("\n", position)
                position = len(text) if end < 0 else end
                continue
            words.append(Word(_unquoted(match[0]), match[0], position))
            position = match.end()
        else:
            position += 1
    if words:
        yield words


def _unquoted(raw: str) -> str:
    return re.sub(
        r"\"((?:\\.|[^\"\\])*)\"|'([^']*)'|\\(.)", lambda m: next(p for p in (*m.groups(), "") if p is not None), raw
    )


_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?:(:[-+])([^}]*))?\})")


def replaced(text: str, variables: Mapping[str, str]) -> str | None:
    """The text with its variables; None where one of them is not known."""
    unknown = False

    def value(match: re.Match[str]) -> str:
        nonlocal unknown
        name, operator, other = match[1] or match[2], match[3], match[4] or ""
        known = variables.get(name)
        if operator == ":-":
            return known or other
        if operator == ":+":
            return other if known else ""
        unknown = unknown or known is None
        return known or ""

    result = _VARIABLE.sub(value, text)
    return None if unknown or "$(" in result or "`" in result else result


def assignments(instruction: Instruction) -> Iterator[tuple[str, Word, int]]:
    """The names and values that ARG and ENV set, with the value's offset; "ENV NAME value" is the old form."""
    words = [word for command in commands(instruction.text) for word in command]
    if instruction.keyword == "ENV" and words and "=" not in words[0].text:
        if len(words) > 1:
            value = instruction.text[words[1].offset :].strip()
            yield words[0].text, Word(value, value, words[1].offset), words[1].offset
        return
    for word in words:
        name, equals, value = word.text.partition("=")
        if equals:
            offset = word.offset + word.raw.index("=") + 1
            yield name, Word(value, word.raw.partition("=")[2], offset), offset
