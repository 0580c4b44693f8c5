"""NVIDIA driver versions."""

from __future__ import annotations

from packaging.version import Version


class DriverVersion(Version):
    """A driver's version. It compares as a version and prints as NVIDIA does: 535.104.05, not 535.104.5."""

    __slots__ = ()

    def __str__(self) -> str:
        first, *rest = self.release
        return ".".join([str(first), *(f"{number:02d}" for number in rest)])
