"""Parts of a text that teach: the questions and troubles that a manual answers, and the words of a program's source.

An error text that stands there was quoted, and has not been seen on anybody's machine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from compatmatrix.probe.reports.text import Line

_HEADING = re.compile(r"(#{1,6})\s+(\S.{0,120})$")
_TEACHES = re.compile(
    r"[^A-Za-z\u4e00-\u9fff]{0,6}(?:FAQs?$|Frequently asked questions?|"
    r"Troubleshoot(?:ing)?\b(?! (?:steps|done|performed|tried|I))|Common (?:installation |build |"
    r"install )?(?:issues|problems|errors|pitfalls)\b|Change ?log\b|"
    # Frequent questions, trouble-shooting.
    r"\u5e38\u89c1\u95ee\u9898|\u6545\u969c\u6392\u9664|\u7591\u96be\u89e3\u7b54)",
    re.IGNORECASE,
)
_TELLS = re.compile(
    r"\b(?:my|we tried|I(?:'m|'ve| am| have| tried| use| run| ran| installed| did| do))\b|"
    r"\u6211\u7684|\u6211\u5728",
    re.IGNORECASE,
)
_SOURCE = re.compile(r"(?:AT_ERROR|TORCH_CHECK|AT_ASSERTM|TORCH_INTERNAL_ASSERT|CHECK_CUDA)\s?\(")


def without_guides(lines: Sequence[Line]) -> Sequence[Line]:
    """Without the sections that teach, and without lines of C++ that would raise an error.

    A section goes from its heading to the next one of its level or above; of the highest level, to the end: there a
    "#" may open a comment. A section in which somebody tells of his own machine is kept.
    """
    kept: list[Line] = []
    section: list[Line] = []
    level = 0
    for line in lines:
        if _SOURCE.match(line.text):
            continue
        heading = _HEADING.match(line.text)
        if heading and level and 1 < len(heading[1]) <= level:
            kept += _if_told(section)
            section, level = [], 0
        if heading and not level and _TEACHES.match(heading[2]):
            level = len(heading[1])
        (section if level else kept).append(line)
    return [*kept, *_if_told(section)]


def _if_told(section: Sequence[Line]) -> Sequence[Line]:
    return section if any(_TELLS.search(line.text) for line in section) else []
