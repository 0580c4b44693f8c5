"""Lists of packages: pip list and freeze, uv pip list, conda list, collect_env's "[pip3]" and "[conda]" lines, and
what installers print when they are done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from compatmatrix.probe.reports.seen import PACKAGES, Seen, Trust, plain_name
from compatmatrix.probe.reports.text import Line

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}"
_VERSION = r"\d[0-9A-Za-z.!+_-]{0,60}"
_HEAD = re.compile(
    r"Package\s+Version|# Name\s+Version|\s*Name\s+Version\s+Build|# packages in environment|"
    r"\$ .{0,40}\b(?:pip3?|conda|mamba) (?:list|freeze)|(?:!|%)?(?:uv )?pip3? (?:list|freeze)\b"
)
_ROW = re.compile(rf"({_NAME})\s{{1,60}}({_VERSION})(?:\s+(\S{{1,80}}))?(?:\s+(\S{{1,80}}))?$")
_PIN = re.compile(rf"(?:\[(pip3?|conda)\]\s+)?(?:conda\s)?({_NAME})\s?==\s?({_VERSION})(?:\s+(\S{{1,80}}))?(?:\s|$|;)")
_TAGGED = re.compile(
    rf"\[(pip3?|conda)\]\s+(?:conda\s)?({_NAME})\s+({_VERSION})(?:\s+(\S{{1,80}}))?(?:\s+(\S{{1,80}}))?\s*$"
)
_SENTENCE = re.compile(r"\b(?:requires|depends on|because|is|are|not|does|should|can|has|have|works?)\b", re.IGNORECASE)
_OFFERS = re.compile(r"(?:only the following versions of .{1,60} (?:is|are) available|\(e\.g\., all of):$")
_OFFER = re.compile(rf"{_NAME}[<>=!~]")
_DONE = re.compile(r"Successfully installed\s(.{0,3900})")
_WHEEL_NAME = re.compile(rf"({_NAME}?)-(\d{_VERSION[2:]})$")
_SATISFIED = re.compile(
    rf"Requirement already (?:satisfied|up-to-date)[^:]{{0,30}}: ({_NAME})[^(]{{0,300}}.{{0,200}}\(({_VERSION})\)$"
)
_FOUND = re.compile(rf"(?:Found existing installation|Attempting uninstall): ({_NAME}) ({_VERSION})$")
_PLAN = re.compile(rf"(?:{_NAME}\s+)?[\w./-]{{3,60}}::({_NAME}?)-(\d[\w.+]{{0,40}})-(\w[\w.]{{0,60}})(?:\s|$)")
_DOWNLOAD = re.compile(rf"({_NAME}?)-(\d[\w.+]{{0,40}})\s+\|?\s*((?:py|cpu|cuda|gpu|h)[\w.]{{1,60}})\s+[\d.]+ [KMG]i?B")
_TABLED = re.compile(
    rf"({_NAME})\s+(\d[\w.+]{{0,40}})\s+(\w[\w.]{{0,60}})\s+[\w./-]{{2,80}}(?:/|\s+)(?:linux-\w+|osx-\w+|win-\w+|noarch)"
    r"(?:\s+(?:Cached|[\d.]+\s?[KMGk]i?B))?\s*$"
)
_CHECKED = re.compile(rf"({_NAME})\s{{1,60}}[✅❌✔✗]\S?\s{{1,4}}(\d[\w.+]{{0,40}})(?=[<>=!~]|\s|$)")
_SPEC = re.compile(r"(?:.{0,300}\s)?(cudatoolkit|pytorch-cuda|cuda-version)={1,2}(\d{1,2}(?:\.\d{1,4}){0,3})")


def read(lines: Sequence[Line]) -> Iterator[Seen]:
    """Every package with its version."""
    listing = 0
    shown = ""
    offers = False
    for line in lines:
        text = line.text
        if offers and _OFFER.match(text):  # what uv says that an index has
            continue
        offers = _OFFERS.search(text) is not None
        if " | " in text:  # a table in Markdown
            text = re.sub(r"\s+\|\s*", "  ", text)
        if _HEAD.match(text):
            listing = 3
            if "conda" in text or "Build" in text:
                listing = 4
            continue
        spec = _SPEC.match(text)
        if spec and "==" not in text:
            yield _package(spec[1], spec[2], line.number, Trust.REQUESTED)
        planned = _PLAN.match(text) or _DOWNLOAD.match(text) or _TABLED.match(text)
        if planned:
            yield from _listed(planned[1], planned[2], planned[3], line, Trust.CONDA)
            continue
        if re.match(r"(?:pip3?|python3? -m pip|conda|mamba|uv|poetry|RUN|%pip|!pip3?|\$)\s", text):
            listing = 0
            continue
        if re.match(rf"Name: {_NAME}$", text):  # pip show
            shown = text[6:]
            continue
        if shown and re.match(rf"Version: {_VERSION}$", text):
            yield _package(shown, text[9:], line.number, Trust.PIP)
        shown = ""
        done = _DONE.match(text)
        if done:
            for word in done[1].split():
                match = _WHEEL_NAME.match(word)
                if match:
                    yield _package(match[1], match[2], line.number, Trust.PIP)
            continue
        checked = _CHECKED.match(text)  # "torch  ✅ 2.5.1+cu124>=1.8.0", as ultralytics prints it
        if checked:
            yield _package(checked[1], checked[2], line.number, Trust.LIST)
            continue
        tagged = _TAGGED.match(text) or None
        if tagged and "==" not in text:
            trust = Trust.CONDA if tagged[1] == "conda" else Trust.PIP
            if trust is Trust.CONDA and tagged[5] in ("pypi", "<pip>"):
                trust = Trust.PIP
            yield from _listed(tagged[2], tagged[3], tagged[4], line, trust)
            continue
        pin = _PIN.match(text)
        if pin and "(from " not in text and not _SENTENCE.search(text.partition("#")[0]):
            conda = pin[1] == "conda" or text.startswith(("[pip3] conda ", "conda "))
            yield from _listed(pin[2], pin[3], pin[4], line, Trust.CONDA if conda else Trust.PIP)
            continue
        other = _SATISFIED.match(text) or _FOUND.match(text)
        if other:
            yield _package(other[1], other[2], line.number, Trust.LIST)
            continue
        row = _ROW.match(text)
        if row and (listing or plain_name(row[1]) in PACKAGES or row[1].startswith("nvidia-")):
            if row[3] and not listing and not re.match(r"(?:py|h[0-9a-f]|cuda|cpu|\d|/|pypi|gpu)", row[3]):
                continue
            trust = (
                Trust.CONDA
                if (listing == 4 or row[4])
                and row[3] not in ("pypi", "<pip>")
                and row[4] not in ("pypi", "<pip>")
                and row[3]
                and not row[3].startswith("/")
                else Trust.LIST
            )
            yield from _listed(row[1], row[2], row[3], line, trust)
        elif listing and not re.match(r"[-=#\s]+$|# Name|#", text):
            listing = listing if re.match(rf"{_NAME}\s+\S", text) else 0


def _listed(name: str, version: str, build: str | None, line: Line, trust: Trust) -> Iterator[Seen]:
    plain = plain_name(name)
    if plain == "python":
        yield Seen("python", re.match(r"[\d.]+", version)[0].rstrip("."), line.number)  # type: ignore[index]
        return
    if plain == "ld-library-path":
        return
    yield _package(name, version, line.number, trust)
    if plain == "torch" and trust is Trust.CONDA:
        cuda = re.search(r"(?:^|_)cuda_?(\d{1,2}\.\d)(?:[._]|$)|(?:^|_)cuda(\d{2,3})(?=_|$)", build or "")
        if cuda:
            yield Seen("conda-torch", cuda[1] or f"{cuda[2][:-1]}.{cuda[2][-1]}", line.number, Trust.CONDA)
        elif re.search(r"(?:^|_)cpu(?:_|$)", build or ""):
            yield Seen("conda-torch", "cpu", line.number, Trust.CONDA)


def _package(name: str, version: str, number: int, trust: Trust) -> Seen:
    return Seen(plain_name(name), version, number, trust, package=True)
