"""The lock made from a decision (level 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from packaging.version import Version

from compatmatrix.model.decision import Decision


@dataclass(frozen=True, slots=True)
class Package:
    """One locked distribution. hashes: "sha256:…", sorted. marker: PEP 508, empty for always."""

    name: str
    version: Version
    hashes: tuple[str, ...]
    marker: str = ""
    index: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As in the JSON contract."""
        return {
            "name": self.name,
            "version": str(self.version),
            "hashes": list(self.hashes),
            "marker": self.marker or None,
        }


@dataclass(frozen=True, slots=True)
class Lock:
    """Level 2: the decision with its whole closure, sorted by name."""

    decision: Decision
    packages: tuple[Package, ...]
