"""What a post asks about: the versions that somebody wants, or of which somebody asks whether they go together.

They are no state of a machine. Where nothing else is told, they are judged as a request: the answer to the question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from compatmatrix.probe.reports.seen import Seen, Trust, plain_name
from compatmatrix.probe.reports.text import END_OF_VERSION, Line, sentences

_NAMED = re.compile(
    r"(?<![\w./-])((?:py)?torch|torchvision|torchaudio|fastai|fastcore|numpy|pillow)(?: version)?\s?(?:[=:v@ ]{1,3}|\()"
    rf"v?(\d{{1,2}}\.\d{{1,2}}(?:\.\d{{1,3}})?(?:\+(?:cu\d{{2,3}}|cpu))?){END_OF_VERSION}",
    re.IGNORECASE,
)
_PYTHON = re.compile(
    rf"(?<![\w./\\-])python(?: version)?[ :v]{{0,3}}(3\.\d{{1,2}}(?:\.\d{{1,2}})?t?){END_OF_VERSION}", re.IGNORECASE
)
_TOGETHER = re.compile(
    r"compat\w*|\bsupport(?:s|ed|ing)?\b|\bwork(?:s|ing)?\b.{0,25}\b(?:with|on|for|together)\b|\bgo(?:es)? with\b|"
    r"\bconflict\w*|\btogether\b|\buse(?:d)?\b.{0,40}\bwith\b",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"\b(?:not|cannot|never|no longer|isn.t|doesn.t|don.t|won.t|can.t)\b|incompat|conflict", re.IGNORECASE
)
_OPENS = re.compile(
    r"(?:^|[,.;:!]\s+|\b(?:and|so|but|know|wonder(?:ing)?|ask)\s+)(?:if|whether|does|do|is|are|can|could|will|would|should|which|what|has|have|"
    r"any\s?(?:body|one))\b",
    re.IGNORECASE,
)
_PRESUPPOSES = re.compile(
    r"\bwhy\b|\bhow come\b|\berror\b|\bfail|\bcrash|\bmy (?:py)?torch\b|\bI (?:have|use|am|run)\b", re.IGNORECASE
)
_WANTS = re.compile(
    r"(?:\b(?:need|needs|want|wants|trying|unable|possible|would like|wish|way|going|how)\b"
    r"[^.;?!]{0,20}?\bto (?:install|use|get|run|upgrade(?: to)?|update(?: to)?)|\bneeds?|"
    r"\bhow (?:do|can|could|should) (?:I|we) (?:install|use|get|run)|"
    r"\b(?:can(?:no|')?t|could(?:n't| not)) (?:install|get)|\brequires?|\binstallation of|\binstalling) "
    r"(?:the )?(?:(?:py)?torch|torchvision|torchaudio|fastai)\b",
    re.IGNORECASE,
)
_GATE = re.compile(r"torch|fastai|fastcore|numpy|pillow", re.IGNORECASE)


def asks(sentence: str) -> bool:
    """Whether a sentence asks if versions go together: what it names is a question then, and no state."""
    if not sentence.rstrip().endswith(("?", "\uff1f")) or _PRESUPPOSES.search(sentence):
        return False
    return bool(_OPENS.search(sentence) or _TOGETHER.search(sentence))


def read(lines: Sequence[Line]) -> Iterator[Seen]:
    """The versions, as requests; and a Python that is asked about with them."""
    for line in lines:
        if len(line.text) > 600 or not _GATE.search(line.text):
            continue
        for sentence in sentences(line.text):
            wants = _WANTS.search(sentence)
            pair = _TOGETHER.search(sentence) and (asks(sentence) or _DENIES.search(sentence))
            if wants:
                yield from _of(sentence, line.number, wants.start())
            elif pair:
                named = {plain_name(match[1]) for match in _NAMED.finditer(sentence)}
                if len(named) + bool(_PYTHON.search(sentence)) == 2:
                    yield from _of(sentence, line.number, 0)


def _of(sentence: str, number: int, start: int) -> Iterator[Seen]:
    found = [(plain_name(match[1]), _whole(match[1], match[2])) for match in _NAMED.finditer(sentence, start)]
    python = _PYTHON.search(sentence)
    if len({name for name, _ in found}) < len(set(found)):
        return  # several versions of one package are a story
    for name, version in found:
        yield Seen("requested", f"{name}=={version}", number, Trust.REQUESTED)
    if found and python:
        yield Seen("python", python[1], number, Trust.PROSE)


def _whole(name: str, version: str) -> str:
    """torch 2.6 is 2.6.0, so that both spellings are one request."""
    plain, plus, local = version.partition("+")
    return plain + (".0" if "torch" in name.lower() and plain.count(".") == 1 else "") + plus + local
