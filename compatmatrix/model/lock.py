"""The lock made from a decision (level 2)."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from packaging.version import Version

from compatmatrix.model.decision import Decision


class File(NamedTuple):
    """One file of a distribution. url: without credentials. digest: "sha256:…". size: bytes, None where not told."""

    name: str
    url: str
    digest: str
    size: int | None = None

    @property
    def is_wheel(self) -> bool:
        """Whether it installs without being built."""
        return self.name.endswith(".whl")


@dataclass(frozen=True, slots=True)
class Package:
    """One locked distribution. hashes: "sha256:…", sorted. marker: PEP 508, empty for always.

    index: the index that it is bound to, empty for the base index. files: sorted; empty where only the hashes are
    known, as in a lock that was read from requirements. Two packages with the same hashes are the same.
    """

    name: str
    version: Version
    hashes: tuple[str, ...]
    marker: str = ""
    index: str = ""
    files: tuple[File, ...] = field(default=(), compare=False)

    @property
    def from_source(self) -> bool:
        """Whether it has to be built where it is installed, as far as is known."""
        return bool(self.files) and not any(file.is_wheel for file in self.files)

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
