"""TOML as text, for formats whose lines have a fixed order: strings, lists and inline tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

Value = str | int | bool | Iterable["Value"] | Mapping[str, "Value"]


def value(plain: Value) -> str:
    """A value on one line; a mapping as an inline table."""
    if isinstance(plain, str):
        # A JSON string is a basic TOML string, but for DEL, which TOML wants escaped.
        return json.dumps(plain, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(plain, bool | int):
        return json.dumps(plain)
    if isinstance(plain, Mapping):
        return "{ " + ", ".join(f"{key(name)} = {value(item)}" for name, item in plain.items()) + " }"
    return "[" + ", ".join(map(value, plain)) + "]"


def key(name: str) -> str:
    """A key, in quotes where it needs them."""
    bare = name and all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in name)
    return name if bare else value(name)


def lines(name: str, items: Iterable[Value]) -> list[str]:
    """A list with one item a line: `name = [` … `]`; on one line where it is empty."""
    rows = [f"    {value(item)}," for item in items]
    return [f"{key(name)} = [", *rows, "]"] if rows else [f"{key(name)} = []"]
