"""The system: uname, ldd --version, sys.version, platform strings, os-release, python --version, nvcc --version."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from compatmatrix.probe.reports.seen import Seen
from compatmatrix.probe.reports.text import Line

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"ldd \(.{1,60}\) (\d\.\d{1,2})\s*$"), "libc:glibc {}"),
    (re.compile(r"ldd \(GNU libc\) (\d\.\d{1,2})"), "libc:glibc {}"),
    (re.compile(r"\bmusl libc\b"), "libc:musl"),
    (re.compile(r"libc\s{2,}musl$|Libc version: musl"), "libc:musl"),
    (re.compile(r"-with-glibc(\d\.\d{1,2})\b"), "libc:glibc {}"),
    (re.compile(r"^Python (\d\.\d{1,2}\.\d{1,2}(?:(?:a|b|rc)\d+)?)(?:\s|$|\+)"), "python:{}"),
    (re.compile(r"^(?:sys\.version\s*[:=]\s*)?['\"]?([23]\.\d{1,2}\.\d{1,2})\S{0,3} \(.{4,60}\)"), "python:{}"),
    (re.compile(r"^Python ([23]\.\d{1,2}\.\d{1,2})\S{0,3} (?:\(|\|)"), "python:{}"),
    (re.compile(r"Cuda compilation tools, release (\d{1,2}\.\d)"), "toolkit:{}"),
    (re.compile(r"^(Linux \S{1,80} \d\.\d.{0,160})$"), "os:{}"),
    (re.compile(r"^(Darwin \S{1,80} \d\d\..{0,160})$"), "os:{}"),
    (re.compile(r"^['\"]?((?:Linux|Windows|macOS|Darwin)-\d{1,2}[\w.+~-]{3,160})['\"]?$"), "os:{}"),
    (re.compile(r"^OS\s{2,40}((?:Linux|Windows|macOS|Darwin)-\S{3,160})$"), "os:{}"),
    (re.compile(r"^PRETTY_NAME=\"?(.{2,60}?)\"?$"), "os:{}"),
    (re.compile(r"^Description:\s+((?:Ubuntu|Debian|CentOS|Fedora|Red Hat)\b.{0,60})$"), "os:{}"),
    (re.compile(r"^ProductVersion:\s*(\d{2}\.\d{1,2})"), "os:macOS {}"),
    (re.compile(r"^Microsoft Windows \[Version (.{3,40})\]"), "os:Windows {}"),
    (re.compile(r"\b(R\d{2} \(release\), REVISION: [\d.]+)"), "os:Jetson L4T {}"),
    (re.compile(r"\bL4T(?: Release| version)?\W{1,4}(R?\d\d\.\d[\d.]*)", re.IGNORECASE), "os:Jetson L4T {}"),
    (re.compile(r"\bJet[Pp]ack(?: [Vv]ersion)?\W{1,4}(\d\.\d[\d.]*)"), "os:Jetson L4T of JetPack {}"),
    (re.compile(r"\[MSC v\.\d{4} (32) bit \(Intel\)\]"), "machine:32-bit"),
    (re.compile(r"\[(?:GCC|MSC) [^\]]{1,40}64 bit \(AMD64\)\]"), "os:Windows"),
    (re.compile(r"\bon win32\b"), "os:Windows"),
    (re.compile(r"\bon darwin\b"), "os:macOS"),
    (re.compile(r"^sys\.platform\s*[:=]?\s*['\"]?(linux|win32|darwin)"), "os:{}"),
    (re.compile(r"^[\"']?platform_machine[\"']?: ?[\"'](\w{3,12})[\"']"), "machine:{}"),  # PEP 508's names, as JSON
    (re.compile(r"^[\"']?sys_platform[\"']?: ?[\"'](linux|win32|darwin)[\"']"), "os:{}"),
    (re.compile(r"^[\"']?python_full_version[\"']?: ?[\"'](3\.\d{1,2}\.\d{1,2})[\"']"), "python:{}"),
    (re.compile(r"^(?:export )?LD_LIBRARY_PATH\s*[=:]\s*(/\S{0,300})"), "library-path:{}"),
    (re.compile(r"^(?:\[pip3\] )?LD_LIBRARY_PATH(?:==|\s{2,})(/\S{0,300})"), "library-path:{}"),
)
_WORDS = re.compile(
    r"Python|libc|ldd|musl|Linux|Darwin|macOS|Windows|PRETTY|Description|Product|REVISION|bit|win32|darwin|platform|"
    r"LD_LIB|release|^[23]\.|sys|L4T|[Jj]et[Pp]ack"
)


def read(lines: Sequence[Line]) -> Iterator[Seen]:
    """Python, system, C library, toolkit."""
    for line in lines:
        if not _WORDS.search(line.text):
            continue
        for pattern, told in _PATTERNS:
            match = pattern.search(line.text)
            if match:
                fact, _, value = told.partition(":")
                yield Seen(fact, value.format(match[1]) if "{}" in value else value, line.number)
