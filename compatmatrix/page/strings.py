"""Texts that are stored once and named by their place."""

from __future__ import annotations


class Strings:
    """A growing list of different texts."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def add(self, text: str) -> int:
        """The place of a text."""
        return self._places.setdefault(text, len(self._places))

    def all(self) -> list[str]:
        """Every text, in order of place."""
        return list(self._places)
