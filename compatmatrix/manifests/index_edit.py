"""The PyTorch index that a file names, changed in place: to another build's, away, or newly named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from compatmatrix.manifests import pyproject_index
from compatmatrix.manifests.index_urls import AFTER_THE_BUILD, build_of
from compatmatrix.manifests.pyproject_index import Use
from compatmatrix.manifests.toml_lines import load, tables

_URL = re.compile(r"https?://[^\s\"',]+")
_OPTION = r"(?:--extra-index-url|--index-url|--default-index|--find-links|--index|-i|-f)(?:[ \t]+|=)[\"']?"


def moved(kind: str, path: Path, text: str, old: str, new: str) -> str:
    """The text with the index of one build ("cpu") in place of another's ("cu126"): addresses, uv's word for the build,
    the ARG behind a tag, and in a pyproject.toml the names that carry the tag. Comments stay. kind: of the format."""
    lines = [_line_moved(line, old, new) for line in text.splitlines(keepends=True)]
    changed = "".join(lines)
    if kind == "pyproject":
        for name in _names(path, text, old):
            other = re.sub(rf"(?<![A-Za-z0-9]){re.escape(old)}(?![A-Za-z0-9])", new, name)
            if f'"{other}"' not in changed and f"'{other}'" not in changed:
                given = rf"(\b(?:name|index|source)\s*=\s*)([\"']){re.escape(name)}\2"
                changed = re.sub(given, rf"\g<1>\g<2>{other}\g<2>", changed)
    if changed == text:
        for variable in re.findall(r"/whl/\$\{?(\w+)\}?", text):
            given = rf"(?m)^(\s*(?:ARG|ENV)\s+{variable}[= ][\"']?){re.escape(old)}(?![\w.])"
            changed = re.sub(given, rf"\g<1>{new}", changed)
    return changed


def _line_moved(line: str, old: str, new: str) -> str:
    comment = re.search(r"(?:^|\s)#", line)
    end = comment.start() if comment else len(line)
    code = _URL.sub(lambda match: _url_moved(match[0], old, new), line[:end])
    word = rf"((?:--torch-backend|UV_TORCH_BACKEND|\btorch-backend)\s*[= ]\s*[\"']?){re.escape(old)}(?![\w.])"
    return re.sub(word, rf"\g<1>{new}", code) + line[end:]


def _url_moved(url: str, old: str, new: str) -> str:
    return re.sub(rf"/{re.escape(old)}(?=/|$|[?#])", f"/{new}", url) if build_of(url) == old else url


def _names(path: Path, text: str, tag: str) -> list[str]:
    data = load(path, text)
    rows = [row for keys in pyproject_index.TABLES for row in tables(data, *keys)]
    return [str(row["name"]) for row in rows if row.get("name") and build_of(str(row.get("url", ""))) == tag]


def dropped(kind: str, path: Path, text: str, tag: str, use: Use) -> str:
    """The text without the index of a build; where it is named in another way it stays."""
    if kind == "pyproject":
        return pyproject_index.dropped(path, text, tag, use)
    option = rf"{_OPTION}https?://[^\s\"']*/{re.escape(tag)}{AFTER_THE_BUILD}[\"']?"
    if kind == "requirements":
        return re.sub(rf"(?m)^[ \t]*{option}[ \t]*(?:#.*)?(?:\r?\n|\Z)", "", text)
    if kind == "environment.yml":
        return re.sub(rf"(?m)^[ \t]*-[ \t]+[\"']?{option}[ \t]*(?:#.*)?(?:\r?\n|\Z)", "", text)
    if kind == "Dockerfile":
        variable = r"(?:PIP_(?:EXTRA_)?INDEX_URL|PIP_FIND_LINKS|UV_(?:DEFAULT_|EXTRA_)?INDEX(?:_URL)?|UV_FIND_LINKS)"
        address = rf"[\"']?(?:[\w-]+=)?https?://[^\s\"']*/{re.escape(tag)}{AFTER_THE_BUILD}[\"']?"
        text = re.sub(rf"(?m)^(?:ENV|ARG)[ \t]+{variable}[= ]{address}[ \t]*(?:\r?\n|\Z)", "", text)
        text = re.sub(rf"(?m)^[ \t]+{option}[ \t]*\\\r?\n", "", text)
        return re.sub(rf"(?m)(?<=\S)[ \t]+{option}(?=\s|$)", "", text)
    return text


def added(kind: str, path: Path, text: str, url: str, packages: Sequence[str]) -> str | None:
    """The text with a further index: before the first line, in a Dockerfile before the first build of it, in a
    pyproject.toml for these packages; None where it has to be written by hand. url: ends with the build's tag."""
    if kind == "pyproject":
        return pyproject_index.added(path, text, url, packages)
    if kind == "requirements":
        end = "\r\n" if "\r\n" in text else "\n"
        first = re.search(r"^(?!\s*(#|$)).*$", text, re.M)
        at = first.start() if first else 0
        return f"{text[:at]}--extra-index-url {url}{end}{text[at:]}"
    build = re.escape(url.rpartition("/")[2])
    if kind == "Dockerfile" and not re.search(r"\buv\s+pip\b|(?m:^RUN\s*\[)", text):
        # uv asks the first index that has a package and no other: an option more would hide what PyPI has.
        named = re.search(rf"(?m)(?<=\s)[\"']?torch(?:vision|audio)?==[\w.]+\+{build}[\"']?(?=\s|$)", text)
        if named:
            return f"{text[: named.start()]}--extra-index-url {url} {text[named.start() :]}"
    return None
