"""A fact with its origin, or the reason why it is not known. Not knowing is a value, never silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """Something looked at.

    value: what was found, None when unknown. origin: how it was found ("nvidia-smi", "given").
    reason: why it is unknown; empty when it is known.
    """

    value: T | None
    origin: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if (self.value is None) == (not self.reason):
            raise ValueError("a fact has either a value or a reason for having none")

    @classmethod
    def of(cls, value: T, origin: str) -> Fact[T]:
        """A known fact and where it comes from."""
        return cls(value, origin)

    @classmethod
    def unknown(cls, reason: str, origin: str = "") -> Fact[T]:
        """An unknown fact; reason in words that a user can act on."""
        return cls(None, origin, reason)

    @property
    def known(self) -> bool:
        return self.value is not None
