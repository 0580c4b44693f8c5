"""What a text must hold for a pattern of `data/tokens.toml` to match: plain words are found far sooner than patterns.

A report is looked at for hundreds of patterns, and few of them have their words in it.
"""

from __future__ import annotations

import re

SHORTEST = 3
"""Characters: a shorter piece stands in every text."""

_QUANTIFIER = re.compile(r"[*+?]\??|\{(\d*)(?:,\d*)?\}\??")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_GROUP = re.compile(r"\((?:\?:|(\?<?[=!])|(?=[^?]))")
_WIDTHLESS = "bBAZ"
_CLASSES = "dDsSwW"
_CONTROLS = "nrtfv0"


def literals(pattern: str) -> tuple[str, ...]:
    """Pieces of text in lower case, of which every text that the pattern matches holds at least one; () for any text.

    pattern: as the file writes it, a space for any white space. Errs towards (): what it does not know (a named group,
    a back reference) ends a piece or gives none.
    """
    found, end = _alternatives(pattern, 0)
    return found if end == len(pattern) else ()


def _alternatives(pattern: str, place: int) -> tuple[tuple[str, ...], int]:
    """The pieces of alternatives up to the closing bracket, and its place: those of each, () where one has none."""
    every: dict[str, None] = {}
    bare = False
    while True:
        pieces, place = _sequence(pattern, place)
        bare = bare or not pieces
        every.update(dict.fromkeys(pieces))
        if place >= len(pattern) or pattern[place] == ")":
            return (() if bare else tuple(every)), place
        place += 1


def _sequence(pattern: str, place: int) -> tuple[tuple[str, ...], int]:
    """The best pieces of one alternative: those whose shortest is longest."""
    best: tuple[str, ...] = ()
    run = ""
    while place < len(pattern) and pattern[place] not in "|)":
        pieces, place, width = _atom(pattern, place)
        repeated = _QUANTIFIER.match(pattern, place)
        place = repeated.end() if repeated else place
        if repeated and (repeated[0][0] in "*?" or repeated[1] in ("", "0")):
            pieces, width = (), True
        plain = len(pieces) == 1 and len(pieces[0]) == 1
        if plain:
            run += pieces[0]
            best = _better(best, (run,))
        elif width:
            best = _better(best, pieces)
        if repeated or (width and not plain):
            run = ""
    return best, place


def _atom(pattern: str, place: int) -> tuple[tuple[str, ...], int, bool]:
    """One atom: its pieces, where it ends, and whether it ends a run of plain characters."""
    char = pattern[place]
    if char == "(":
        group = _GROUP.match(pattern, place)
        inside, end = _alternatives(pattern, group.end() if group else place + 1)
        return (() if group is None or group[1] else inside), end + 1, True
    if char == "[":
        shut = _CLASS.match(pattern, place)
        return (), shut.end() if shut else len(pattern), True
    if char == "\\" and place + 1 < len(pattern):
        escaped = pattern[place + 1]
        if escaped in _WIDTHLESS:
            return (), place + 2, False
        if escaped in _CLASSES or escaped in _CONTROLS or escaped.isalnum():
            return (), place + 2, True
        return (escaped,), place + 2, True
    if char in ".^$ ":
        return (), place + 1, True
    return (char.lower(),), place + 1, True


def _better(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    def worth(pieces: tuple[str, ...]) -> int:
        return min(map(len, pieces), default=0)

    return other if worth(other) > worth(one) and worth(other) >= SHORTEST else one
