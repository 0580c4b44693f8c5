"""Versions, GPUs and drivers named in a sentence or in a list within one line.

A sentence that asks, requires, or compares tells a story and not a state: nothing is taken from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from compatmatrix.probe.reports.seen import Seen, Trust, plain_name
from compatmatrix.probe.reports.text import END_OF_VERSION, Line, sentences
from compatmatrix.probe.reports.wishes import asks

_BUILD = r"\+(?:cu\d{2,3}|cpu|xpu|rocm\d{1,2}(?:\.\d{1,2}){0,2})"
_FLAVOUR = rf"(?:{_BUILD})?"
_BETWEEN = r"\b(?:[ ]version)?[ =:v@]{1,3}"
_TORCH = re.compile(
    rf"(?<![\w./-])(?:py)?torch(?:{_BETWEEN}|(?=\d))([0-2]\.\d{{1,2}}(?:\.\d{{1,2}})?{_FLAVOUR}){END_OF_VERSION}",
    re.IGNORECASE | re.ASCII,
)
_PARTNERS = re.compile(
    rf"(?<![\w./-])(torchvision|torchaudio|fastai|fastcore|pillow)(?:{_BETWEEN}|(?=\d))(\d{{1,2}}\.\d{{1,2}}\.\d{{1,3}}{_FLAVOUR}){END_OF_VERSION}",
    re.IGNORECASE | re.ASCII,
)
_ARRAYS = re.compile(
    rf"(?<![\w./-])(numpy|pandas)(?:{_BETWEEN}|(?=\d))([12]\.\d{{1,2}}(?:\.\d{{1,2}})?){END_OF_VERSION}",
    re.IGNORECASE | re.ASCII,
)
_CPU_TORCH = re.compile(
    r"(?:torch(?:\u7248\u672c)?(?:\u662f|\u4e3a) ?|"
    r"\b(?:reports?|reported|shows?|showed|says|prints?|printed|uses|using|runs|running|has|have|got|gets|found|is|with)"
    r"(?: the| a)?(?: (?:installed )?(?:py)?torch(?: version)?)?[ =:]{1,3})"
    r"v?([1-9]\.\d{1,2}(?:\.\d{1,2})?\+cpu)(?![\w.])",
    re.IGNORECASE,
)
_BARE_TORCH = re.compile(rf"(?<![\w.=-])([1-9]\.\d{{1,2}}\.\d{{1,2}}{_BUILD}){END_OF_VERSION}", re.ASCII)
_PINNED = re.compile(
    r"(?:^|[,;|]\s{0,3})(torch|torchvision|torchaudio|fastai|fastcore|numpy|pillow|pandas)=="
    rf"(\d{{1,2}}\.\d{{1,2}}(?:\.\d{{1,3}})?{_FLAVOUR})(?=\s{{0,3}}(?:[,;|]|\.?$))",
    re.IGNORECASE | re.ASCII,
)
_PYTHON = re.compile(
    rf"(?<![\w./\\-])python(?:[ ]version)?(?:[ :v]{{0,3}}|[ ]-[ ])(3\.\d{{1,2}}(?:\.\d{{1,2}})?t?){END_OF_VERSION}",
    re.IGNORECASE | re.ASCII,
)
_MY_PYTHON = re.compile(
    rf"\b(?:(?:I|we) (?:have|use|run)|(?:I am|I'm|Im|we are|we're)(?: currently)? (?:on|using|running)|my) "
    rf"python(?:[ ]version)?[ ](?:is )?(3\.\d{{1,2}}(?:\.\d{{1,2}})?t?){END_OF_VERSION}",
    re.IGNORECASE | re.ASCII,
)
# Chinese: "under Python 3.11", "in the environment of Python 3.11".
_UNDER_PYTHON = re.compile(
    r"(?<![A-Za-z0-9_./-])python ?(3\.\d{1,2}(?:\.\d{1,2})?) ?(?:\u4e0b|\u73af\u5883|\u7248\u672c\u4e0b)", re.IGNORECASE
)
_GPU_NAME = (
    r"((?:NVIDIA |GeForce |Nvidia )?(?:RTX|GTX)[ -]?(?:A)?\d{3,4}(?:[ -]?(?:Ti|Super|SUPER|"
    r"TI))?(?: Laptop)?|(?:NVIDIA|Nvidia|nvidia) (?:[2-5]0[5-9]0|10[5-8]0|16[56]0)(?: ?(?:Ti|ti|Super|super|SUPER))?|"
    r"(?:Tesla |NVIDIA )(?:[KPVT]\d{1,3}|A\d{2,3}|H\d{3}|B\d{3})|Titan (?:X|V|RTX|Xp)|"
    r"RTX PRO \d{4}(?: Blackwell)?|Quadro (?:RTX |GV|[KMPT])?\d{3,4}M?|GeForce (?:GT |MX)?\d{3,4}M?|DGX Spark)\b"
)
_GPU = re.compile(r"\b" + _GPU_NAME)
_MY_GPU = re.compile(
    r"\b(?:I have|I.ve got|we have|my (?:GPU|card|graphics card|laptop|PC|machine) (?:is|has)) (?:an? |the |one )?"
    + _GPU_NAME,
    re.IGNORECASE,
)
_GPU_FAILS = re.compile(
    r"\b" + _GPU_NAME + r" (?:can ?not|can.t|cannot|could ?n.t|does ?n.t|does not|fails|is unable)\b"
)
_BARE_GPU = re.compile(
    r"(?:(?<![\w./_-])\d{1,2}\s?x\s?|\b(?:on|with|using|an?|my|the|our) )"
    r"(K80|M60|P40|P100|V100|T4|A10G?|A30|A40|A100|A800|L4|L40S?|H20|H100|H200|H800|B200|B300|GB10|GB200|GB300)(?![\w./-])"
)
_TOLD_GPU = re.compile(  # "GPU is" and "the card is" in Chinese
    r"(?:GPU\s?(?:\u662f|\u4e3a)|\u663e\u5361(?:\u578b\u53f7)?\s?(?:\u662f|\u4e3a|:)?)\s?"
    r"((?:NVIDIA |GeForce |Tesla )?(?:[RG]TX ?)?[A-Z]{0,2}\d{1,4}(?: ?(?:Ti|Super))?)(?![\w.])",
    re.IGNORECASE,
)
_JETSON = re.compile(
    r"\b(?:on|in|using|my|have|with) (?:(?:an?|the|my|our|NVIDIA) ){0,3}"
    r"Jetson[ -](?:AGX|Orin|Xavier|Nano|TX[12]|NX|Thor)\b",
    re.IGNORECASE,
)
_NO_GPU = re.compile(
    r"\b(?:I|we|you) (?:(?:don.t|do not) (?:even )?have|have no|lack|am lacking) (?:an? |any )?"
    r"(?:(?:CUDA|NVIDIA)[\w .-]{0,24}\b)?GPU\b(?! ?(?:usage|memory|util|load|support))|"
    r"\bme lacking an? (?:CUDA|NVIDIA)[\w .-]{0,24}\bGPU\b",
    re.IGNORECASE,
)
_DRIVER = re.compile(r"\bdriver\b[^\d\n]{0,100}?\b([3-6]\d\d\.\d{2,3}(?:\.\d{2,3})?)(?![\d.]*\w)", re.IGNORECASE)
_BRANCH = re.compile(r"\bdriver(?: version)?[ :=]{1,3}([3-6]\d\d)(?![\w.-]|\s?(?:and|or|/))", re.IGNORECASE)
_BARE_DRIVER = re.compile(r"([3-6]\d\d\.\d{2,3}(?:\.\d{2})?)[\s,.?!]*(?:need|is it|ok|right|$)")
_OS = re.compile(
    r"\b(?:Windows (?:version|1[01]|[78]|Server|20[012]\d|(?:on )?ARM(?:64)?)|Win ?1[01]|Ubuntu ?\d\d\.?\d\d|"
    r"CentOS ?\d|Debian ?\d|Google Colab|Kaggle|WSL ?2?)\b",
    re.IGNORECASE,
)
_MAC = re.compile(r"\b(?:MacBook|macOS|Mac OS|iMac|Mac mini|Apple silicon|Mac(?= 1\d\.\d))\b", re.IGNORECASE)
_INTEL_MAC = re.compile(
    r"\bIntel(?:[ -]based|[ -]chip)? (?:Mac|iMac|MacBook|MBP)|\bx86(?:[_-]64)? Macs?\b|"
    r"\b(?:Mac|iMac|MacBook)s?(?: Pro| Air)? (?:with |\()?(?:an )?Intel\b",
    re.IGNORECASE,
)
_INSTALLED = re.compile(
    r"\b(?:I|we)(?: have|'ve)?(?: already| just| successfully)? installed\b|\b(?:is|was|were) installed\b",
    re.IGNORECASE,
)
_BY = re.compile(
    r"\(?\b(?:with|by|via|using|from|through) (?:pip3?|conda|mamba|uv|poetry)\b|\((?:pip3?|conda)\)|"
    r"\bpip3?(?: version)? v?\d[\d.]{0,8}",
    re.IGNORECASE,
)
"""How something was installed, and the version of pip itself: no wish."""
_ASKS = re.compile(
    r"pip|conda|install|Collecting|Download|==|http|matching|satisf|requires|need|upgrade|downgrad|should|try|support|"
    r"->|\bor\b|"
    r"\bto\b.{0,12}\d|"
    # Chinese: need, ask for, should, install, change, up, down, try, before, support, compatible, must, suggest, can,
    # which, lowest, or; "?" of a question.
    "\u9700\u8981|\u8981\u6c42|\u5e94\u8be5|\u5b89\u88c5|\u6362|\u5347\u7ea7|\u964d\u7ea7|\u964d\u5230|\u8bd5|"
    "\u4e4b\u524d|\u4ee5\u524d|\u652f\u6301|\u517c\u5bb9|\u5fc5\u987b|\u5efa\u8bae|\u53ef\u4ee5|\u54ea|"
    "\u6700\u4f4e|\u6216|\u6539|\u4ee5\u4e0a|\u9ad8\u4e8e|\u4f4e\u4e8e|\u88c5|\uff1f",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"pip|conda|install|requires|need|http|not?\b", re.IGNORECASE)
_STORY = re.compile(
    r"\btried\b|\basks? for\b|\bfine\b|\bfails? (?:with|on|in)\b|\btested\b|\bdepends\b|\bbecause\b|"
    r"\bcompiled\b|\bbuilt\b|\bworks? (?:with|on|in)\b.{1,60}\b(?:fail|but|not|break|crash|hang|while)|\bworked\b|"
    r"\bprevious|\bbefore\b|\bboth\b|\bsince\b|\buntil\b|\bolder\b|\bnewer\b|\bearlier\b|\blater\b|\binstead\b|"
    r"\b(?:introduced|removed|deprecated|fixed|added|changed) in\b|\bas of\b|\bstarting (?:with|from)\b|\bused to\b|"
    r"\bdropp?(?:s|ed)\b|\breleased?\b|\wWarning:|deprecat|\bwill\b|\bwould\b|\bchanged\b|\bbreaks?\b|\bbroke\b|"
    r"\bis not compatible\b|\bincompatible with\b|\bswitch",
    re.IGNORECASE,
)
_ANOTHER = re.compile(r"\s?(?:,|and|&|/|to|or|vs\.?|through|until)\s?v?\d{1,2}\.\d")
_GATE = re.compile(
    r"torch|fastai|fastcore|numpy|pandas|pillow|python|driver|RTX|GTX|Tesla|Titan|NVIDIA|Windows|Win ?1|Ubuntu|CentOS|"
    r"Debian|Colab|Kaggle|WSL|Mac|Apple|Snapdragon|GPU|DGX|Jetson|[3-6]\d\d\.\d\d|\+cu\d|\+cpu|\+rocm|[A-Z]\d{1,3}",
    re.IGNORECASE,
)
"""What a line must have to be worth a look: logs are long."""
_ONE_VERSION = ("python", "numpy", "pandas", "pillow", "torchvision", "torchaudio", "fastcore")


def read(lines: Sequence[Line]) -> Iterator[Seen]:
    """What sentences name, with the lowest trust. Several of one kind are a story: none of them is told."""
    found = [one for line in lines if len(line.text) <= 600 and _GATE.search(line.text) for one in _of_line(line)]
    told: dict[str, set[str]] = {}
    for one in found:
        told.setdefault(one.fact, set()).add(one.value)
    for one in found:
        if one.fact == "bare-gpu":
            if len(told["bare-gpu"]) == 1 and "gpu" not in told:
                yield one._replace(fact="gpu")
        elif one.fact not in _ONE_VERSION or len(told[one.fact]) == 1:
            yield one


def _of_line(line: Line) -> Iterator[Seen]:
    text, number = line.text, line.number
    driver = _DRIVER.search(text) or _BARE_DRIVER.match(text) or _BRANCH.search(text)
    if driver and not re.search(r"update|upgrade|at least|minimum|require|need(?!\s*higher)", text, re.IGNORECASE):
        yield Seen("driver", driver[1], number, Trust.PROSE)
    if re.search(r"\bSnapdragon\b|\bWindows (?:on )?ARM", text, re.IGNORECASE):
        yield Seen("machine", "arm64", number, Trust.PROSE)
    system = _OS.search(text)
    if system:
        yield Seen("os", _system(text, system), number, Trust.PROSE)
    elif _JETSON.search(text):
        yield Seen("os", "Jetson", number, Trust.PROSE)
    elif _INTEL_MAC.search(text) and not re.search(r"Apple silicon|\bM[1-5]\b|arm64", text, re.IGNORECASE):
        yield Seen("os", "macOS (x86_64)", number, Trust.PROSE)
    elif _MAC.search(text) and not _ASKS.search(text):
        yield Seen("os", f"macOS: {text[:100]}", number, Trust.PROSE)
    if re.search(r"[,;|]", text) and not _STORY.search(text) and not _COMMAND.search(text):
        for match in _PINNED.finditer(text):
            yield Seen(plain_name(match[1]), match[2], number, Trust.PROSE, package=True)
    mine = _MY_PYTHON.search(text) or (None if text.isascii() else _UNDER_PYTHON.search(text))
    if mine and not _ANOTHER.match(text, mine.end()):
        yield Seen("python", mine[1], number, Trust.PROSE)
    told = _TOLD_GPU.search(text)
    if told:
        yield Seen("gpu", told[1], number, Trust.PROSE)
    mine_too = _MY_GPU.search(text) or _GPU_FAILS.match(text)
    if mine_too:  # in whatever sentence
        yield Seen("gpu", mine_too[1], number, Trust.PROSE)
    if _NO_GPU.search(text):
        yield Seen("no-gpu", text[:60], number, Trust.PROSE)
    of_cpu = _CPU_TORCH.search(text)
    if of_cpu:  # what is told to be there, even in a sentence of how it came
        yield Seen("torch", of_cpu[1], number, Trust.PROSE, package=True)
    for sentence in sentences(text):
        plain = _INSTALLED.sub(" ", _BY.sub(" ", sentence))
        if not _ASKS.search(plain) and "(you have " not in sentence:
            yield from _of_sentence(sentence, number)


def _of_sentence(sentence: str, number: int) -> Iterator[Seen]:
    for match in _GPU.finditer(sentence):
        yield Seen("gpu", match[1], number, Trust.PROSE)
    if _STORY.search(sentence) or asks(sentence):
        return
    for pattern in (_TORCH, _BARE_TORCH):
        for match in pattern.finditer(sentence):
            if not _ANOTHER.match(sentence, match.end()):
                yield Seen("torch", match[1], number, Trust.PROSE, package=True)
    for pattern in (_PARTNERS, _ARRAYS):
        for match in pattern.finditer(sentence):
            if not _ANOTHER.match(sentence, match.end()):
                yield Seen(plain_name(match[1]), match[2], number, Trust.PROSE, package=True)
    for match in _PYTHON.finditer(sentence):
        if not _ANOTHER.match(sentence, match.end()):
            yield Seen("python", match[1], number, Trust.PROSE)
    for match in _BARE_GPU.finditer(sentence):
        yield Seen("bare-gpu", match[1], number, Trust.PROSE)


def _system(text: str, found: re.Match[str]) -> str:
    """The system's name, and of what follows only a version."""
    more = re.match(r"[ ]?(?:\d[\w.]{0,8}|Server(?: \d{4})?|Pro|Home|LTS)(?![\w:])", text[found.end() :])
    return (found[0] + (more[0] if more else "")).strip()
