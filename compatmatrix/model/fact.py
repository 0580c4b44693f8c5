"""A fact with its origin, or the reason why it is not known. Not knowing is a value, never silence."""

from typing import Generic, NamedTuple, Self, TypeVar

T = TypeVar("T")


class _Fact(NamedTuple, Generic[T]):
    value: T | None
    origin: str = ""
    reason: str = ""


class Fact(_Fact[T]):
    """Something looked at.

    value: what was found, None when unknown. origin: how it was found ("nvidia-smi", "given").
    reason: why it is unknown; empty when it is known.
    """

    __slots__ = ()

    def __new__(cls, value: T | None, origin: str = "", reason: str = "") -> Self:
        if (value is None) == (not reason):
            raise ValueError("a fact has either a value or a reason for having none")
        return tuple.__new__(cls, (value, origin, reason))

    @classmethod
    def of(cls, value: T, origin: str) -> "Fact[T]":
        """A known fact and where it comes from."""
        return cls(value, origin)

    @classmethod
    def unknown(cls, reason: str, origin: str = "") -> "Fact[T]":
        """An unknown fact; reason in words that a user can act on."""
        return cls(None, origin, reason)

    @property
    def known(self) -> bool:
        return self.value is not None
