"""The text of a report: bytes to lines, rid of what forums, shells and logs put around them."""

from __future__ import annotations

import re
from typing import NamedTuple

from compatmatrix.errors import BadInput

MOST_BYTES = 1 << 20
"""Bytes read of a report; of a longer one, the first and the last half of that many."""
MOST_CHARS = 4000
"""Characters read of one line."""
MOST_LINES = 6000
"""Lines read of a report; of a longer one, the first two thirds and the last third of that many."""


class Line(NamedTuple):
    """A line that says something. number: in the file, from 1. text: without quotes, prompts and time stamps."""

    number: int
    text: str


END_OF_VERSION = r"(?!\w|\.\w|\.\*|\s?[-\u2013]\s?v?\d|-)"
"""What follows a version that a sentence names, as a pattern: no further part, and no range."""

_SENTENCES = re.compile(r"(?<=[.!?])\s+")
_HINT = "paste the text of the report: the output of python -m torch.utils.collect_env, pip list, nvidia-smi, the error"
_ANSI = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]|\x1b\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f]")
_SPACES = re.compile(r"[\u00a0\u2000-\u200b\u202f\u3000\ufeff]")
_TIME = (
    r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?|\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
)
_PREFIX = re.compile(
    r"""(?:
      >(?!>)\s?                                     # a quotation, but not Python's prompt
    | \|(?=\s)\s*                                   # a table, or the frame of nvidia-smi
    | \[?(?:TIME)\]?(?:\s*[-:|])?\s+                  # a time stamp
    | \[\d{1,2}:\d\d(?:\ ?[AP]M)?\]\s+<?[\w.-]{1,24}>?:\s+     # a chat: "[14:31] nick: "
    | \d{1,2}:\d\d(?:\ ?[AP]M)?\s+(?:<[\w.-]{1,24}>\s+|[\w.-]{1,24}(?::\s+|\s{2,4}(?=\S)))    # "14:31 <nick> "
    | (?:INFO|WARNING|ERROR|DEBUG|CRITICAL)\ \d\d-\d\d\ \d\d:\d\d:\d\d\ \[?\S{1,60}:\d{1,5}\]\s   # vLLM
    | \[?(?:INFO|WARN|WARNING|ERROR|DEBUG|CRITICAL|STDOUT|STDERR|stdout|stderr)\]?\s*(?:[-:|]\s*|\s+(?=\d))   # a level
    | [IWEF]\d{4}\ \d\d:\d\d:\d\d\S{0,12}\s+.{0,60}?\]\s                          # glog
    | \[(?:rank|Rank)\s?\d{1,4}\]:?\s+               # torchrun
    | \(\w{1,40}\ pid=\d{1,8}(?:,\ ip=[\d.]{7,15})?\)\s+        # ray
    | \#\d{1,4}\ \d{1,6}\.\d{1,4}\s+                # docker build
    | [\w.-]{1,50}[_-]\d{1,3}\s{1,4}\|\s                       # docker compose
    | :(?=[A-Za-z][\w\ ().-]{0,40}:\s+\S)           # a field of reStructuredText
    | [*+-]\s+(?=\S)                                # a list
    | \d{1,4}[.)]\s+(?=[A-Za-z>])                   # a numbered list
    )""".replace("TIME", _TIME),
    re.VERBOSE,
)
_TABLE_EDGE = re.compile(r"\s+\|\s*$|\|\s*$")
_BOLD = re.compile(r"\*\*|`+")
# Full-width colon, comma, parentheses, semicolon and equals sign, as Chinese and Japanese input methods write them;
# and the signs of trade marks inside names of GPUs.
_WIDE = str.maketrans(
    {
        "\uff1a": ": ",
        "\uff0c": ", ",
        "\uff08": " (",
        "\uff09": ") ",
        "\uff1b": "; ",
        "\uff1d": "=",
        "\u2122": "",
        "\u00ae": "",
    }
)
_UNDERLINED = re.compile(r"(?<!\w)_([A-Z][^_\n]{2,60})_(?!\w)")
_DIGITS = re.compile(r"\d+")
_ALIKE = 16
_GAP = re.compile(r" {12,}")
_TAG = re.compile(
    r"</?(?:a|b|br|code|dd|details|div|em|h\d|hr|i|li|ol|p|pre|span|strong|summary|table|tbody|td|th|thead|tr|tt|ul)"
    r"(?:\s[^<>]{0,200})?/?>",
    re.IGNORECASE,
)
_NEXT_CELL = re.compile(r"</t[dh]>\s*<t[dh](?:\s[^<>]{0,200})?>", re.IGNORECASE)
_DOCKER_LOG = re.compile(r'\{"log":\s?"((?:[^"\\]|\\.)*)",.*$')
_FOLDED = re.compile(
    r"\s(?=(?:PyTorch version|Is debug build|CUDA used to build PyTorch|ROCM used to build PyTorch|OS|GCC version|"
    r"Clang version|CMake version|Libc version|Python version|Python platform|Is CUDA available|CUDA runtime version|"
    r"CUDA_MODULE_LOADING set to|GPU models and configuration|GPU \d{1,2}|Nvidia driver version|cuDNN version|"
    r"HIP runtime version|MIOpen runtime version|Is XNNPACK available|CPU|Versions of relevant libraries)\s?:\s)"
    r"|\s(?=\[(?:pip3?|conda)\]\s\S)|\s(?=(?:INFO|WARNING|ERROR) \d\d-\d\d \d\d:)|\s={10,}\s"
)
_FOLDS = 4
"""Labels of collect_env on one line, from which on it is taken to be several lines that lost their ends."""


def sentences(text: str) -> list[str]:
    """The sentences of a line."""
    return _SENTENCES.split(text)


def decode(raw: bytes) -> str:
    """The text of a file. Windows shells write UTF-16. Raises BadInput for what is no text, or empty."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = raw.decode("utf-16", "replace")
    elif len(raw) > 3 and raw[1:200:2].count(0) > len(raw[1:200:2]) * 0.7 > raw[:200:2].count(0):
        text = raw.decode("utf-16-le", "replace")
    else:
        head = raw[:4096]
        odd = sum(byte < 9 or 13 < byte < 27 or 27 < byte < 32 for byte in head)
        if odd > len(head) * 0.05:
            raise BadInput("the report is no text, but binary", hint=_HINT)
        text = raw.decode("utf-8", "replace")
        if text.count("\ufffd") > len(text) * 0.3:
            raise BadInput("the report is no text, but binary", hint=_HINT)
    if not text.strip(" \t\r\n\0\ufeff"):
        raise BadInput("the report is empty", hint=_HINT)
    return text


def clean(text: str) -> tuple[Line, ...]:
    """The lines that say something. Logs repeat themselves: of lines that differ in numbers only, a few are kept."""
    raw_lines = text.splitlines()
    numbered = list(enumerate(raw_lines, start=1))
    if len(numbered) > MOST_LINES:
        numbered = numbered[: MOST_LINES * 2 // 3] + numbered[-MOST_LINES // 3 :]
    lines: list[Line] = []
    seen: dict[str, int] = {}
    for number, raw in numbered:
        for piece in unfold(raw):
            line = strip(piece[:MOST_CHARS])
            if not line:
                continue
            shape = _DIGITS.sub("0", line)
            seen[shape] = seen.get(shape, 0) + 1
            if seen[shape] <= _ALIKE:
                lines.append(Line(number, line))
    return tuple(lines)


def unfold(raw: str) -> list[str]:
    """A line in pieces, where it is a collect_env that was pasted without its line ends; else the line."""
    if len(raw) < 120 or " version" not in raw:
        return [raw]
    pieces = _FOLDED.split(raw[: MOST_CHARS * 10])
    return pieces if len(pieces) > _FOLDS else [raw]


def strip(line: str) -> str:
    """One line without what stands around it: colours, quotes, time stamps, list marks, emphasis."""
    if "\x1b" in line or not line.isprintable():
        line = _SPACES.sub(" ", _ANSI.sub("", line.replace("\t", "    ")))
    if "&" in line and ";" in line:
        from html import unescape

        line = unescape(line)
    if "%20" in line and "://" not in line:
        from urllib.parse import unquote

        line = unquote(line)
    if line.startswith('{"log":'):
        line = _DOCKER_LOG.sub(lambda match: match[1].replace('\\"', '"').replace("\\n", " "), line)
    if "<" in line:
        line = _TAG.sub(" ", _NEXT_CELL.sub(" | ", line)) if "<t" in line else _TAG.sub(" ", line)
    if not line.isascii():
        line = line.translate(_WIDE)
    line = _GAP.sub("            ", line).strip()
    for _ in range(6):
        match = _PREFIX.match(line)
        if not match:
            break
        line = line[match.end() :].lstrip()
    if "`" in line or "**" in line:
        line = _BOLD.sub("", line)
    if "_" in line:
        line = _UNDERLINED.sub(r"\1", line)
    if line.endswith("|"):
        line = _TABLE_EDGE.sub("", line)
    return line.strip()


def cut(raw: bytes) -> tuple[bytes, bool]:
    """The first and the last part of a long report, and whether anything was left out."""
    if len(raw) <= MOST_BYTES:
        return raw, False
    half = MOST_BYTES // 2
    return raw[:half] + b"\n" + raw[-half:], True
