"""TOML with lines: the standard library reads it, and says nothing of where a value stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from compatmatrix.errors import BadInput

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]#]+?)\s*\]\]?\s*(?:#.*)?$")


def load(path: Path, text: str) -> dict[str, Any]:
    """The content. Raises BadInput with file and line."""
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"\(at line (\d+)", str(error))
        line = match[1] if match else len(text.splitlines()) or 1
        what = re.sub(r" \(at .*\)$", "", str(error))
        raise BadInput(f"{path}:{line}: not TOML: {what}") from error
    except (RecursionError, ValueError) as error:
        raise BadInput(f"{path}: not TOML: {error or 'nested too deeply'}") from error


def table(data: object, *keys: str) -> dict[str, Any]:
    """The table below the keys; empty where it is missing or something else stands there."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def tables(data: object, *keys: str) -> list[dict[str, Any]]:
    """The tables of an array below the keys; what is no table is left out."""
    found = table(data, *keys[:-1]).get(keys[-1])
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


class Lines:
    """Where things stand in a TOML text. Lines count from 1; what is not found is said to stand on line 1."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()

    def headers(self, name: str) -> Iterator[int]:
        """The line of each header of a table, or of an array's tables, in the file's order."""
        for number, line in enumerate(self._lines, start=1):
            # Cheap first: a lock has tens of thousands of lines.
            if line.lstrip().startswith("[") and (match := _HEADER.match(line)) and _plain(match[2]) == name:
                yield number

    def key_below(self, header: int, *keys: str) -> int:
        """The line of the first of these keys in the table that begins at a header's line; else the header's line."""
        for key in keys:
            pattern = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
            for number in range(header, len(self._lines)):
                if _HEADER.match(self._lines[number]):
                    break
                if pattern.match(self._lines[number]):
                    return number + 1
        return header

    def key(self, section: str, *keys: str) -> int:
        """The line of a key in the table of that name, however the key is spelt: dots, dashes, capitals."""
        for header in self.headers(section):
            for number in range(header, len(self._lines)):
                line = self._lines[number]
                if _HEADER.match(line):
                    break
                if (match := re.match(r"\s*[\"']?([\w.-]+)[\"']?\s*=", line)) and _same(match[1], keys):
                    return number + 1
        for key in keys:
            for header in self.headers(f"{section}.{key}"):
                return header
        return 1

    def string(self, value: str, after: int = 1) -> int:
        """The line on which a string stands in quotes, from a line on."""
        quoted = [f'"{value}"', f"'{value}'", '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"']
        for number in range(after - 1, len(self._lines)):
            line = self._lines[number]
            if any(text in line for text in quoted) and not line.lstrip().startswith("#"):
                return number + 1
        return after


def _same(found: str, keys: tuple[str, ...]) -> bool:
    plain = re.sub(r"[-_.]+", "-", found).lower()
    return any(plain == re.sub(r"[-_.]+", "-", key).lower() for key in keys)


def _plain(header: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in header.split("."))
