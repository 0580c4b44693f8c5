"""Python sessions: what was asked at the prompt, or printed by a script, and the answer on the next line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from compatmatrix.probe.reports.labels import cuda_build, version_in
from compatmatrix.probe.reports.seen import Seen, Trust
from compatmatrix.probe.reports.text import Line

_ASKED = re.compile(
    r"(?<![\w.])(torch|torchvision|torchaudio|fastai|fastcore|numpy|np|PIL|platform|sys|cuda)"
    r"\.(__version__|version\.cuda|version|cuda\.is_available\(\)|cuda\.get_device_name\([^)]{0,20}\)|"
    r"cuda\.get_device_capability\([^)]{0,20}\)|cuda\.get_arch_list\(\)|platform\(\)|machine\(\))"
)
_NAMES = {"np": "numpy", "PIL": "pillow"}


def read(lines: Sequence[Line]) -> Iterator[Seen]:
    """Answers to questions that a line asks: on the same line after a colon or an equals sign, else on the next one."""
    for number, line in enumerate(lines):
        if "." not in line.text or ("import" in line.text.split(";")[0][:30].split() and ";" not in line.text):
            continue
        asked = list(_ASKED.finditer(line.text))
        if len(asked) > 1:
            follows = lines[number + 1] if number + 1 < len(lines) else None
            words = re.sub(r"^Out\[\d+\]:|[(),'\"]", " ", follows.text).split() if follows else []
            if follows and len(words) == len(asked):
                for one, word in zip(asked, words, strict=True):
                    yield from _answer(one, word, follows.number)
            continue
        if not asked:
            continue
        rest = line.text[asked[0].end() :].lstrip("()'\" ").removeprefix("}")
        same = re.match(r"(?:[:=]|->|=>|is\b|#)\s*(\S.{0,300})", rest)
        follows = lines[number + 1] if number + 1 < len(lines) else None
        if same:
            yield from _answer(asked[0], same[1], line.number)
        elif follows and not follows.text.startswith((">>>", "In [", "$")):
            yield from _answer(asked[0], re.sub(r"^Out\[\d+\]:\s*", "", follows.text), follows.number)


def _answer(asked: re.Match[str], answer: str, number: int) -> Iterator[Seen]:
    owner, what = asked[1], asked[2]
    answer = answer.strip().strip("'\"")
    if what == "__version__":
        version = version_in(answer)
        if version:
            yield Seen(_NAMES.get(owner, owner), version, number, Trust.IMPORTED, package=True)
    elif what == "version.cuda" and owner == "torch":
        yield from cuda_build(answer, number)
    elif what == "version" and owner == "sys":
        match = re.match(r"([23]\.\d{1,2}\.\d{1,2})", answer)
        if match:
            yield Seen("python", match[1], number)
    elif "is_available" in what:
        match = re.match(r"(True|False)\b", answer)
        if match:
            yield Seen("cuda-available", match[1], number)
    elif "get_device_name" in what:
        if (
            re.match(r"[A-Z][A-Za-z]{1,20}[ -]?[A-Z0-9]", answer)
            and "Error" not in answer
            and "Traceback" not in answer
        ):
            yield Seen("gpu", answer[:100], number)
    elif "get_device_capability" in what:
        match = re.match(r"\((\d{1,2}), (\d)\)", answer)
        if match:
            yield Seen("capability", f"{match[1]}.{match[2]}", number)
    elif "get_arch_list" in what and "sm_" in answer:
        yield Seen("archs", answer[:400], number)
    elif what == "machine()" and re.fullmatch(r"[A-Za-z0-9_]{2,12}", answer):
        yield Seen("machine", answer, number)
    elif what == "platform()":
        yield Seen("os", answer[:160], number)
