"""The stack: distributions, their versions and build flavours, whether installed, pinned or proposed."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from packaging.version import Version


class Pin(NamedTuple):
    """One distribution of a stack.

    name: normalised ("pillow"). version: with its local part where it has one ("2.13.0+cpu").
    flavour: the build, "cu126", "cpu", "rocm6.2"; None where it is not known or has no meaning.
    origin: where this was read ("torch/version.py", "requirements.txt:3").
    """

    name: str
    version: Version
    flavour: str | None = None
    origin: str = ""

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"

    @property
    def release(self) -> Version:
        """The version without its local part: what the matrix and the index know."""
        return public(self.version)


class Stack(Mapping[str, Pin]):
    """An immutable mapping from normalised name to Pin, sorted by name."""

    __slots__ = ("_hash", "_pins")

    def __init__(self, pins: Iterable[Pin] = ()) -> None:
        self._pins = {pin.name: pin for pin in sorted(pins)}
        self._hash: int | None = None

    def __getitem__(self, name: str) -> Pin:
        return self._pins[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._pins)

    def __len__(self) -> int:
        return len(self._pins)

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(tuple(self._pins.values()))
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stack) and self._pins == other._pins

    def __repr__(self) -> str:
        return f"Stack({', '.join(map(str, self._pins.values()))})"

    def release(self, name: str) -> Version | None:
        """The version of a distribution without its local part, None where it is not in the stack."""
        pin = self._pins.get(name)
        return pin.release if pin else None

    def versions(self) -> dict[str, str]:
        """Plain values for JSON: name to full version."""
        return {name: str(pin.version) for name, pin in self._pins.items()}

    def to_dict(self) -> dict[str, Any]:
        """JSON values: name to version, flavour and origin."""
        return {
            name: {"version": str(pin.version), "flavour": pin.flavour, "origin": pin.origin}
            for name, pin in self._pins.items()
        }


def public(version: Version) -> Version:
    """The version without its local part: 2.13.0+cpu gives 2.13.0."""
    return _public(version, version.release) if version.local else version


@lru_cache(maxsize=4096)
def _public(version: Version, release: tuple[int, ...]) -> Version:
    # By release as well: 2.5+cpu and 2.5.0+cpu are equal, and each must be shown as it was written.
    return Version(version.public)


def local_flavour(version: Version) -> str | None:
    """The build flavour in a version's local part ("cpu", "cu126"), None where there is none."""
    return version.local or None
