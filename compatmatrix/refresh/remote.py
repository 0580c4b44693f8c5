"""Wheels on an index, read from afar: project pages in both forms, METADATA and single members by parts of the file."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from email.parser import Parser
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import unquote, urldefrag, urljoin

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from compatmatrix.errors import IndexUnavailable
from compatmatrix.index import host_of, page, read_range

_TAIL = 1 << 18


class BrokenWheel(IndexUnavailable):
    """A file that no installer takes: torch 1.7.0 for Windows names its folder "dist.info"."""


class NoSuchProject(IndexUnavailable):
    """The index answers, and has no page for a project."""


class Wheel(NamedTuple):
    """A wheel on a project page. python: "3.11", "3.13t", or empty for any; side_file: METADATA lies beside it."""

    name: str
    url: str
    version: Version
    python: str
    tag: str
    platform: str
    yanked: bool
    side_file: bool


class Metadata(NamedTuple):
    """What a wheel declares. requires: without extras."""

    requires: tuple[Requirement, ...]
    python: str


def wheels(index_url: str, project: str) -> list[Wheel]:
    """The wheels of a project, pre-releases aside. Raises NoSuchProject, and IndexUnavailable for other trouble."""
    url = f"{index_url.rstrip('/')}/{canonicalize_name(project)}/"
    text = page(url)
    if text is None:
        raise NoSuchProject(f"package index {host_of(url)}: it has no {project}")
    found = (_wheel(url, row) for row in _rows(text))
    return [wheel for wheel in found if wheel and not wheel.version.is_prerelease]


def _rows(text: str) -> Iterator[Mapping[str, Any]]:
    """The files of a project page: JSON (PEP 691) or HTML (PEP 503), in the words of the JSON form."""
    if text.lstrip().startswith("{"):
        try:
            yield from json.loads(text)["files"]
        except (ValueError, KeyError, TypeError) as error:
            raise IndexUnavailable(f"the project page is not readable JSON ({error!r})") from error
        return
    for anchor in re.finditer(r"<a\s([^>]*)>", text, re.IGNORECASE):
        pairs = re.findall(r"""([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?""", anchor[1])
        cells = {key.lower(): unescape(double or single or bare) for key, double, single, bare in pairs}
        if "href" in cells:
            path = urldefrag(cells["href"]).url
            side_file = "data-core-metadata" in cells or "data-dist-info-metadata" in cells
            yanked = "data-yanked" in cells
            name = unquote(path.rsplit("/", 1)[-1])
            yield {"filename": name, "url": path, "yanked": yanked, "core-metadata": side_file}


def _wheel(base: str, row: Mapping[str, Any]) -> Wheel | None:
    try:
        name, path = str(row["filename"]), str(row["url"])
        _, version, _, tags = parse_wheel_filename(name)
    except (KeyError, TypeError, InvalidWheelFilename):
        return None
    tag = next(iter(tags))
    platform = name.removesuffix(".whl").rsplit("-", 1)[-1]
    side_file = bool(row.get("core-metadata") or row.get("dist-info-metadata"))
    url = urljoin(base, urldefrag(path).url)
    python = _python(tag.interpreter, tag.abi)
    return Wheel(name, url, version, python, platform, platform_of(platform), bool(row.get("yanked")), side_file)


def _python(interpreter: str, abi: str) -> str:
    text = abi if abi.startswith("cp") else interpreter
    match = re.fullmatch(r"cp(\d)(\d+)(t?)m?", text)
    return f"{match[1]}.{match[2]}{match[3]}" if match else ""


def platform_of(tag: str) -> str:
    """The matrix's platform behind a wheel's platform tag; empty for those that it does not know."""
    if tag.startswith("macosx"):
        return "macos-arm64" if tag.endswith("arm64") else "macos-x86_64"
    if tag in ("win_amd64", "win_arm64"):
        return f"windows-{tag[4:]}"
    machine = re.search(r"(?:linux).*_(x86_64|aarch64)$", tag)
    return f"linux-{machine[1]}" if machine else ""


def metadata(wheel: Wheel) -> Metadata:
    """A wheel's METADATA: from the file beside it, else out of the wheel. Raises IndexUnavailable, BrokenWheel."""
    text = page(f"{wheel.url}.metadata") if wheel.side_file else None
    if text is None:
        text = members(wheel, r"[^/]+\.dist-info/METADATA")[0].decode("utf-8", "replace")
    message = Parser().parsestr(text)
    requires = []
    for line in message.get_all("Requires-Dist") or []:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if requirement.marker is None or "extra" not in str(requirement.marker):
            requires.append(requirement)
    return Metadata(tuple(requires), message.get("Requires-Python") or "")


def members(wheel: Wheel, *patterns: str) -> list[bytes]:
    """The members of a wheel that match the patterns, one each, fetched in parts.

    Raises IndexUnavailable, and BrokenWheel where one of them is not there.
    """
    found = []
    try:
        with zipfile.ZipFile(_RemoteFile(wheel.url)) as archive:
            for pattern in patterns:
                name = next(name for name in archive.namelist() if re.fullmatch(pattern, name))
                found.append(archive.read(name))
    except StopIteration:
        raise BrokenWheel(f"{wheel.name}: it has no member {pattern}") from None
    except (zipfile.BadZipFile, EOFError) as error:
        raise BrokenWheel(f"{wheel.name}: not a readable wheel ({error})") from error
    return found


class _RemoteFile(io.RawIOBase):
    """A file on a server that is fetched as it is read: its end once, then what is asked for, in large parts."""

    def __init__(self, url: str) -> None:
        self._url = url
        end, self._size = read_range(url, -_TAIL)
        self._parts = [(self._size - len(end), end)]
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        stop = self._size if size < 0 else min(self._at + size, self._size)
        if stop <= self._at:
            return b""
        begin, data = self._part(self._at, stop)
        found = data[self._at - begin : stop - begin]
        self._at += len(found)
        return found

    def _part(self, first: int, stop: int) -> tuple[int, bytes]:
        for begin, data in self._parts:
            if begin <= first and stop <= begin + len(data):
                return begin, data
        # zipfile reads in small steps: fetch more than it asks for, and keep only the last such part.
        data, _ = read_range(self._url, first, min(max(stop, first + (1 << 20)), self._size) - 1)
        self._parts[1:] = [(first, data)]
        return first, data
