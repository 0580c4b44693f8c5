"""What installers say when they cannot: pip's, uv's, poetry's and conda's messages, requests and what was offered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from compatmatrix.probe.reports.seen import Seen, Trust
from compatmatrix.probe.reports.text import Line

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}"
_VERSION = r"\d[0-9A-Za-z.+!]{0,40}"
_NO_MATCH = re.compile(
    rf"(?:No matching distribution(?: found)?(?: for)?|"
    rf"Could not find a version that satisfies the requirement)\s+({_NAME})(?:\[[^\]]{{0,40}}\])?\s*={{2,3}}"
    rf"\s*({_VERSION})",
    re.IGNORECASE,
)
# Chinese: "there is no such version", "not found", "cannot be installed".
_NO_MATCH_ZH = re.compile(
    rf"(torch|torchvision|torchaudio|fastai)\s?={{2,3}}\s?({_VERSION})[^\n]{{0,40}}?"
    "(?:\u6ca1\u6709|\u627e\u4e0d\u5230|\u672a\u627e\u5230|\u4e0d\u5b58\u5728|"
    "\u65e0\u6cd5\u5b89\u88c5|\u5b89\u88c5\u5931\u8d25|\u5b89\u88c5\u4e0d)"
)
_UNMET = re.compile(
    r"(?:No matching distribution found for|Could not find a version that satisfies the requirement)\s+torch\s*"
    r"((?:[<>~!]=?|===?)\s*\d[\w.*+]{0,30}(?:\s*,\s*[<>~!=]{1,2}\s*\d[\w.*+]{0,30}){0,5})",
    re.IGNORECASE,
)
_OFFERED = re.compile(r"\(from versions: ?([^)]{0,3900})(\)?)", re.IGNORECASE)
_WRAPPED = re.compile(r"(?:satisfies the requirement|\(from versions:)[^)]*$", re.IGNORECASE)
_GOES_ON = re.compile(r"(?:(?:torch\S{0,40}|\(from|versions:|\d[\w.+]{0,30},?\)?)(?:\s+|$))+$")
_TRIED = re.compile(r"Tried: (\d[\w., ]{0,2000})")  # pipenv's and pip-tools' word, on the line below
_NONE_AT_ALL = re.compile(r"No matching distribution found for torch(?![\w.=<>~!\[-]| ?[=<>~!])", re.IGNORECASE)
_RANGE = re.compile(
    rf"\(?({_VERSION}?)(?:\.\.| to )({_VERSION}) offered|pip_offered\s+({_VERSION}) to ({_VERSION})|"
    rf"pip_offered\s+({_VERSION}(?:, {_VERSION})*)"
)
_INSTALL = re.compile(r"(?:^|\s)(?:pip3?|uv pip|uv|poetry|conda|mamba|pipenv|pdm)\s+(?:install|add)\s+(.{1,400})")
_PINNED = re.compile(rf"(?:^|\s)['\"]?(torch|torchvision|torchaudio|fastai|fastcore|numpy|pytorch)={{1,3}}({_VERSION})")
_YOURS = re.compile(r"\bYour python: python={1,2}(\d\.\d{1,2}(?:\.\d{1,2})?)")
_LISTED = re.compile(rf"\s*(?:- )?(pytorch|torchvision|torchaudio)={{1,2}}({_VERSION})(?: ->|$)")
_CONFLICT = re.compile(
    rf"({_NAME})(?: {_VERSION})? (?:requires|has requirement|"
    rf"depends on) ({_NAME})(?:\[[^\]]{{0,30}}\])?\s?\(?((?:[<>=!~]=?=?\s?[\w.*+-]{{1,30}},?\s?){{0,6}})\)?[,;]? "
    rf"(?:but you(?:'ll)? have|you have|but)(?: ({_NAME}))? ({_VERSION})(?: which is incompatible)?", re.IGNORECASE
)  # fmt: skip
_SELECTING = re.compile(rf"\bSelecting: (torch|torchvision|torchaudio)==({_VERSION})(?= \[|$)")  # PDM's and uv's
_WHEEL = re.compile(
    r"\b(torch|torchvision|torchaudio|triton|xformers)-(\d[\w.+%]{0,40})-(cp\d{2,3}t?)-\w{1,12}-([a-z0-9_.]{3,60})\.whl"
    r"(?= is not a supported wheel|\s*$)",
    re.IGNORECASE,
)
_REFUSED = re.compile(r"is not a supported wheel|dependency is incompatible with the current platform")
_UV_NO_WHEEL = re.compile(
    rf"({_NAME})(?:==|\s\(v)({_VERSION})\)?.{{0,80}}(?:doesn't have a source distribution or wheel|"
    rf"has no wheels? with a matching|no wheels? with a matching|can't be installed because)",
    re.IGNORECASE,
)
_UV_HOST = re.compile(
    r"(?:\(e\.g\., |You.re (?:on|using) .{0,30}?\(?)((?:macosx|manylinux|musllinux|linux|win)_?\w{0,30})"
)
_INTERPRETER = re.compile(
    r"\bcpython-(\d\.\d{1,2}\.\d{1,2})\S{0,12}?-(linux|macos|windows)-(\w{3,10})-(gnu|musl|none)\b"
)
_POETRY = re.compile(
    rf"(?:Unable to find installation candidates for|package) (torch|torchvision|torchaudio) \((\d{_VERSION[2:]})\)",
    re.IGNORECASE,
)
_GATE = re.compile(
    r"requir|satisf|install|versions|match|conda|mamba|depends|\.whl|cpython|wheel|You.re |Your python|"
    r"offered|candidates|Tried|torch|\badd\b|environment",
    re.IGNORECASE,
)
_CONDA = re.compile(
    r"(?:\$ |!|.{0,40}[#$%>] ?)?(?:conda|mamba) (?:install|create|list)|Solving environment|PackagesNotFoundError|"
    r"UnsatisfiableError|# packages in environment"
)


def _unwrapped(lines: Sequence[Line], place: int) -> str:
    """pip's line with those on which a mail program or a terminal let it go on, to the bracket that ends its offer."""
    text = lines[place].text
    for line in lines[place + 1 : place + 40]:
        if not _WRAPPED.search(text) or not _GOES_ON.match(line.text):
            break
        text += " " + line.text
    return text


def read(lines: Sequence[Line]) -> Iterator[Seen]:
    """Requests, offers and conflicts."""
    for place, line in enumerate(lines):
        text = line.text
        if not _GATE.search(text):
            continue
        if "satisf" in text or "from versions" in text:
            text = _unwrapped(lines, place)
        if ("onda" in text or "mamba" in text) and _CONDA.match(text):
            yield Seen("installer", "conda", line.number, Trust.LIST)
        conflict = _CONFLICT.search(text)
        if conflict and (not conflict[4] or conflict[4].lower() == conflict[2].lower()):
            owner = conflict[1]
            yield Seen(
                "conflict",
                "|".join((owner, conflict[2], conflict[3].strip(" ,"), conflict[5].rstrip("."))),
                line.number,
            )
            if conflict[4]:
                yield Seen(conflict[2].lower(), conflict[5].rstrip("."), line.number, Trust.LIST, package=True)
            told = re.search(rf"\b{re.escape(owner)} ({_VERSION}) (?:requires|has requirement|depends)", text)
            if told:
                yield Seen(owner.lower(), told[1], line.number, Trust.LIST, package=True)
            continue
        missing = _NO_MATCH.search(text) or (None if text.isascii() else _NO_MATCH_ZH.search(text))
        if missing:
            yield _requested(missing[1], missing[2], line.number, failed=True)
        offered = _OFFERED.search(text)
        if offered and re.search(r"requirement torch\b|\btorch[=<>!~ ]", text):
            listed_there = offered[1].strip() or "none"
            yield Seen("offered", listed_there + ("" if offered[2] else ", ..."), line.number)
        elif offered and (partner := re.search(r"requirement (torchvision|torchaudio)={2,3}\d", text)):
            yield Seen("offered", offered[1], line.number)
            yield Seen("offered-of", partner[1], line.number)
        selecting = _SELECTING.search(text)
        if selecting:
            yield _requested(selecting[1], selecting[2], line.number, failed=False)
        yours = _YOURS.search(text)
        if yours:
            yield Seen("python", yours[1], line.number)
        listed = _LISTED.match(text)
        if listed:
            yield _requested(listed[1], listed[2], line.number, failed=False)
        unmet = _UNMET.search(text)
        if unmet and not missing:
            yield Seen("unmet", "".join(unmet[1].split()), line.number)
        ranged = _RANGE.search(text)
        if ranged:
            first, last = ranged[1] or ranged[3], ranged[2] or ranged[4]
            yield Seen("offered", f"{first}, {last}" if first else ranged[5], line.number)
        elif _NONE_AT_ALL.search(text):
            yield Seen("offered", "none", line.number, Trust.PROSE)
        tried = _TRIED.search(text)
        if tried and place and re.search(r"matches torch\b", lines[place - 1].text):
            yield Seen("offered", tried[1], line.number)
        wheel = _WHEEL.search(text) if _REFUSED.search(text) else None
        if wheel:
            version = wheel[2].replace("%2B", "+")
            yield Seen("refused", "|".join((wheel[1], version, wheel[3], wheel[4])).lower(), line.number, Trust.LIST)
            if not wheel[4].startswith("linux_aarch64") and wheel[1] in ("torch", "torchvision", "torchaudio"):
                yield _requested(wheel[1], version, line.number, failed=True)  # those are NVIDIA's for Jetson
        other = _UV_NO_WHEEL.search(text) or _POETRY.search(text)
        if other and other[1].lower() in ("torch", "torchvision", "torchaudio"):
            yield _requested(other[1], other[2], line.number, failed=True)
        host = _UV_HOST.search(text)
        if host and host[1][:3] in ("mac", "man", "mus", "lin", "win"):
            tag = host[1].replace("macosx", "macos")
            yield Seen("os", tag.replace("musllinux", "linux musl ").replace("manylinux", "linux "), line.number)
            yield Seen("machine", tag, line.number)
            glibc = re.match(r"manylinux_(\d)_(\d{1,2})_", host[1])
            if glibc and "You" in host[0]:  # what uv sees counts, whatever ldd says
                yield Seen("libc", f"glibc {glibc[1]}.{glibc[2]}", line.number, Trust.IMPORTED)
        interpreter = _INTERPRETER.search(text)
        if interpreter:
            yield Seen("python", interpreter[1], line.number)
            yield Seen("os", f"{interpreter[2]} {interpreter[4]}", line.number)
            yield Seen("machine", interpreter[3], line.number)
        install = _INSTALL.search(text)
        if install:
            if re.search(r"(?:^|\s)(?:conda|mamba)\s", text):
                yield Seen("installer", "conda", line.number, Trust.LIST)
            tag = re.search(r"whl/(?:test/)?(cu\d{2,3}|cpu)\b", install[1])
            if tag and re.search(r"\btorch\b", install[1]):
                yield Seen("index-tag", tag[1], line.number)
            for name, version in _PINNED.findall(" " + install[1]):
                local = f"+{tag[1]}" if tag and "+" not in version and name.startswith("torch") else ""
                yield _requested(name, version.rstrip(".)") + local, line.number, failed=False)


def _requested(name: str, version: str, number: int, *, failed: bool) -> Seen:
    plain = "torch" if name.lower() == "pytorch" else name.lower()
    return Seen("requested", f"{plain}=={version.rstrip('.)')}", number, Trust.LIST if failed else Trust.REQUESTED)
