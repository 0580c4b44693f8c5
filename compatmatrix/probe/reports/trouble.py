"""Facts inside error texts: torch's warnings, NumPy's, and paths of tracebacks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from compatmatrix.probe.reports import prose
from compatmatrix.probe.reports.seen import Seen, Trust
from compatmatrix.probe.reports.text import Line

_FOUND = re.compile(r"found version (\d{4,5})\b")
_NOT_COMPATIBLE = re.compile(
    r"(?:^|[:]\s)((?:NVIDIA|GeForce|Tesla|Quadro|RTX|GTX|A\d|H\d|Titan|TITAN|"
    r"GRID)[A-Za-z0-9 .+/-]{0,70}?) with CUDA capability sm_(\d{2,3})[af]? is not compatible"
)
_SM = re.compile(r"\bsm_(\d{1,2})(\d)[af]? is not compatible")
_SUPPORTS = re.compile(
    r"(?:supports CUDA capabilities|\(supports?|Supported CUDA capabilities|"
    r"is not compatible.{0,20}\()[^(\n]{0,20}?((?:\s*(?:sm|compute)_\d{2,3}[af]?,?)+)",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\(?(?:supports )?sm_(\d{1,2})(\d)\.\.sm_(\d{1,2})(\d)")
_OLD_GPU = re.compile(
    r"Found GPU\d{1,2} (.{2,80}?) which (?:is of (?:cuda )?(?:compute )?capability|"
    r"requires CUDA_VERSION)\s*(?:\(?CC\)? )?\(?(\d{1,2}\.\d)?",
    re.IGNORECASE,
)
_WANTED_GPU = re.compile(r"If you want to use the (\S.{3,60}?)(?: GPU){1,2} with PyTorch, please check")
_BUILT_CC = re.compile(r"(\d{1,2})\.(\d) which supports hardware CC\b")
_CAPABILITY = re.compile(r"\bcapability \(?(\d{1,2}\.\d)\b")
_SITE = re.compile(
    r"[/\\](?:python(\d\.\d{1,2})t?[/\\](?:site|dist)-packages|Python(3)(\d{1,2})[/\\]lib[/\\]site-packages)",
    re.IGNORECASE,
)
_NUMPY = re.compile(r"compiled using NumPy 1\.x cannot be run in\s+NumPy (\d\.\d{1,2}(?:\.\d{1,2})?)")
_NUMPY_LINE = re.compile(r"NumPy (\d\.\d{1,2}(?:\.\d{1,2})?) as it may crash")
_LSPCI = re.compile(
    r"NVIDIA Corporation .{0,60}\[((?:GeForce|Tesla|Quadro|RTX|GTX|NVIDIA|TITAN|A\d|L\d|"
    r"H\d).{0,60}?)(?: Mobile| Max-Q| / .{0,40})*\]"
)
_WINDOWS_PATH = re.compile(r"(?:^|[\s\"'(])[A-Z]:\\\\?[\w. -]{1,60}\\")
_TAGGED = re.compile(
    r"(?<![\w/.-])torch-(\d\.\d{1,2}\.\d(?:\+(?:cu\d{2,3}|cpu))?)\s(?:CUDA|CPU|MPS)\b|"
    r"\bPython-3\.\S{1,12} torch-(\d\.\d{1,2}\.\d(?:\+(?:cu\d{2,3}|cpu))?)$"  # ultralytics, before it has a device
)
_BUILT_FOR = re.compile(r"PyTorch \S{3,30}.{0,30}\(you have (\d[\w.+]{2,30})\)")
_AMD = re.compile(r"\b(ROCm|Radeon|Instinct MI|MI\d{3}X?|gfx\d{3,4}\w?|RX \d{4}(?: XTX?)?)\b", re.IGNORECASE)
_TORCH_CUDA = re.compile(r"\btorch\.version\.cuda['\" ]{0,2}[ =:]{1,3}['\"]?(\d{1,2}\.\d)(?![\w.])")
_AVAILABLE = re.compile(r"\bcuda(?: is|_is)?[ _]available\??\s*[:=]\s*(true|false|yes|no)\b", re.IGNORECASE)
_MAC_PATH = re.compile(r"(?:^|[\s\"'(])(?:/Users/\w|~/Library/|/Library/Frameworks/|/opt/homebrew/|/usr/local/Cellar/)")
_32_BITS = re.compile(r"[/\\]python3\d{1,2}-32[/\\]|:[/\\]{1,2}program files \(x86\)[/\\]{1,2}python", re.IGNORECASE)
_RASPBERRY = re.compile(
    r"\bpiwheels\b|^pi@\w|(?:^|[\s\"'(:])/home/pi/|arm-linux-gnueabihf|\bRasp(?:b|)ian\b|\bRaspberry ?Pi\b",
    re.IGNORECASE,
)
_ANDROID = re.compile(r"/data/data/com\.termux/|\baarch64 Android\b|^Android version:")
_GATE = re.compile(
    r"sm_|capab|packages|NumPy|torch|NVIDIA|ROCm|Radeon|Instinct|MI\d{3}|gfx|RX |available|:\\|/Users/|Library/|Cellar|"
    r"homebrew|found version|Found GPU|^pi@|/pi/|arm-linux|Rasp|piwheels|com\.termux|Android",
    re.IGNORECASE,
)
"""What a line must have for any of these to be worth a look: they are many, and logs are long."""


def read(lines: Sequence[Line]) -> Iterator[Seen]:
    """Facts that error texts carry with them, and what sentences name."""
    yield from _built_for(lines)
    for line in lines:
        text = line.text
        if not _GATE.search(text):
            continue
        found = _FOUND.search(text)
        if found:
            number = int(found[1])
            yield Seen("driver-cuda", f"{number // 1000}.{number % 1000 // 10}", line.number)
        named = _NOT_COMPATIBLE.search(text)
        if named:
            yield Seen("gpu", named[1].strip(), line.number)
        incompatible = _SM.search(text)
        if incompatible:
            yield Seen("capability", f"{incompatible[1]}.{incompatible[2]}", line.number)
        supports = _SUPPORTS.search(text)
        if supports and ".." not in text:
            yield Seen("archs", " ".join(supports[1].replace(",", " ").split()), line.number)
        ranged = _RANGE.search(text)
        if ranged:
            yield Seen("archs", f"sm_{ranged[1]}{ranged[2]}..sm_{ranged[3]}{ranged[4]}", line.number)
        wanted = _WANTED_GPU.search(text)
        if wanted:
            yield Seen("gpu", wanted[1].strip(), line.number)
        old = _OLD_GPU.search(text)
        if old:
            yield Seen("gpu", old[1].strip(), line.number)
            if old[2]:
                yield Seen("capability", old[2], line.number)
        elif "too old" in text.lower() and (told := _CAPABILITY.search(text)):
            yield Seen("capability", told[1], line.number)
        site = _SITE.search(text)
        if site:
            yield Seen("python", site[1] or f"{site[2]}.{site[3]}", line.number, Trust.LIST)
        numpy = _NUMPY.search(text) or _NUMPY_LINE.match(text)
        if numpy:
            yield Seen("numpy", numpy[1], line.number, Trust.IMPORTED, package=True)
        tagged = _TAGGED.search(text)
        if tagged:
            yield Seen("torch", tagged[1] or tagged[2], line.number, package=True)
            if "CUDA:0" in text:
                yield Seen("cuda-available", "True", line.number, Trust.LIST)
        built = _BUILT_FOR.search(text) if "(you have " in text else None
        if built:
            yield Seen("torch", built[1], line.number, Trust.IMPORTED, package=True)
        amd = _AMD.search(text)
        if amd and "ROCM used to build" not in text:
            yield Seen("amd", amd[1], line.number, Trust.PROSE)
        stated = _TORCH_CUDA.search(text)
        if stated:
            yield Seen("torch-cuda", stated[1], line.number, Trust.LIST)
        available = _AVAILABLE.search(text)
        if available and available.start() and len({one.lower() for one in _AVAILABLE.findall(text)}) == 1:
            yield Seen("cuda-available", str(available[1].lower() in ("true", "yes")), line.number, Trust.PROSE)
        card = _LSPCI.search(text)
        if card:
            yield Seen("gpu", card[1], line.number)
        if ":\\" in text and _32_BITS.search(text):  # where Python's own installer puts its 32-bit builds
            yield Seen("os", "Windows, by a path", line.number, Trust.LIST)
            yield Seen("machine", "32-bit", line.number, Trust.LIST)
        elif _WINDOWS_PATH.search(text):
            yield Seen("os", "Windows, by a path", line.number, Trust.LIST)
        mac = _MAC_PATH.search(text)
        if mac:
            yield Seen("os", "macOS, by a path", line.number, Trust.LIST)
            if "Cellar" in mac[0]:  # Homebrew's place on Intel; on Apple's processors it is /opt/homebrew
                yield Seen("machine", "x86_64", line.number, Trust.LIST)
        berry = _RASPBERRY.search(text)
        if berry:
            yield Seen("os", "Raspberry Pi OS", line.number, Trust.LIST)
            if berry[0].startswith("arm-"):
                yield Seen("machine", "armv7l", line.number, Trust.LIST)
        if _ANDROID.search(text):
            yield Seen("os", "Android", line.number, Trust.TOLD)
    yield from prose.read(lines)


def _built_for(lines: Sequence[Line]) -> Iterator[Seen]:
    """The architectures that torch 2.10 and later list one a line, where none of them serves a GPU."""
    told = [(match, line.number) for line in lines if (match := _BUILT_CC.match(line.text))]
    if told:
        archs = dict.fromkeys(f"sm_{match[1]}{match[2]}" for match, _ in told)
        yield Seen("archs", " ".join(archs), told[0][1])
