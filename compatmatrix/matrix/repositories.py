"""What exists outside the wheel indexes: container images and conda channels, as frozen values."""

from __future__ import annotations

from typing import NamedTuple

from packaging.version import Version

from compatmatrix.matrix.rows import Row, evidence, version
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.finding import Evidence


class Image(NamedTuple):
    """A container image that exists. cudnn: its major, as the tag names it; torch: the release inside, if any."""

    repository: str
    tag: str
    cuda: Cuda | None
    flavour: str
    os: str
    cudnn: Version | None
    torch: Version | None
    evidence: Evidence

    @classmethod
    def read(cls, row: Row) -> Image:
        return cls(
            row["repository"],
            row["tag"],
            Cuda.parse(row["cuda"]) if "cuda" in row else None,
            row.get("flavour", ""),
            row.get("os", ""),
            version(row["cudnn"]) if "cudnn" in row else None,
            version(row["torch"]) if "torch" in row else None,
            evidence(row),
        )


class CondaChannel(NamedTuple):
    """A conda channel. Between complete_from and complete_to every torch that it has is known; closed: none follow."""

    name: str
    complete_from: Version
    complete_to: Version
    closed: bool
    evidence: Evidence

    @classmethod
    def read(cls, row: Row) -> CondaChannel:
        bounds = version(row["complete-from"]), version(row["complete-to"])
        return cls(row["name"], *bounds, bool(row.get("closed")), evidence(row))


class CondaRelease(NamedTuple):
    """A package version on a conda channel for linux-64. cudas: the CUDA releases that it was built for."""

    channel: str
    package: str
    version: Version
    cudas: tuple[Cuda, ...]
    pythons: tuple[str, ...]
    evidence: Evidence

    @classmethod
    def read(cls, row: Row) -> CondaRelease:
        cudas = tuple(map(Cuda.parse, row.get("cuda", ())))
        pythons = tuple(row.get("pythons", ()))
        return cls(row["channel"], row["package"], version(row["version"]), cudas, pythons, evidence(row))
