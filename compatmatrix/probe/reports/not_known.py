"""Errors in a report that no row of `data/tokens.toml` knows: shown, so that silence is not taken for health."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from compatmatrix.model.observed import Sign
from compatmatrix.probe.reports.text import Line

MOST = 3
"""Errors that are told: the last ones, which programs end with."""

_REACH = 3
"""Lines: an error text may begin before the line that names the exception, or go on behind it."""

_ERROR = re.compile(r"[\s>|E]{0,8}((?:[A-Za-z_]\w{0,60}\.){0,6}(?:[A-Z]\w{0,60})?(?:Error|Exception)): (\S.{3,})")


def not_known(lines: Sequence[Line], signs: Sequence[Sign]) -> Iterator[tuple[int, str]]:
    """The last errors that no known text stands near: line and text, cut to 160 characters, in their order."""
    known = {sign.line + offset for sign in signs for offset in range(-_REACH, _REACH + 1)}
    told: dict[str, int] = {}
    for line in lines:
        found = _ERROR.match(line.text)
        if found and line.number not in known:
            text = f"{found[1]}: {found[2]}".strip()[:160]
            told.pop(text, None)
            told[text] = line.number
    for text, number in list(told.items())[-MOST:]:
        yield number, text
