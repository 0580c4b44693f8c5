"""The matrix as a value that answers questions. Tables are read lazily: most commands need only some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from compatmatrix.matrix.gpu_names import GpuNames
from compatmatrix.matrix.rows import (
    Build,
    CapabilityRow,
    CudaFamily,
    CudaRelease,
    CudnnFloor,
    Fastai,
    GpuRow,
    Limit,
    Partner,
    Row,
    Torch,
    admits,
    version,
)
from compatmatrix.model.cuda import Capability, Cuda

if TYPE_CHECKING:
    from compatmatrix.matrix.repositories import CondaChannel, CondaRelease, Image

TORCH_FAMILY = ("torch", "torchvision", "torchaudio")


class Matrix:
    """All facts. tables: rows by table name, already checked; digest: of the file they came from."""

    def __init__(self, tables: Mapping[str, Any], digest: str) -> None:
        self.tables = tables
        self.digest = digest
        self._partner_of: dict[tuple[str, Version], Partner | None] = {}
        self._builds_for: dict[tuple[Version, str], tuple[Build, ...]] = {}

    def _rows(self, name: str) -> Sequence[Row]:
        rows: Sequence[Row] = self.tables.get(name, ())
        return rows

    @cached_property
    def torches(self) -> dict[Version, Torch]:
        """Every torch release, newest first."""
        rows = map(Torch.read, self._rows("torch"))
        return {row.version: row for row in sorted(rows, key=lambda row: row.version, reverse=True)}

    @cached_property
    def torch_minors(self) -> list[tuple[int, int]]:
        """The minors of torch, newest first."""
        return list(dict.fromkeys((torch.major, torch.minor) for torch in self.torches))

    @cached_property
    def builds(self) -> dict[Version, tuple[Build, ...]]:
        """The builds of each torch release: PyPI's own first, then the newest CUDA, cpu last."""
        found = {release: map(Build.read, rows) for release, rows in self._build_rows.items()}
        return {release: tuple(sorted(builds, key=_preference)) for release, builds in found.items()}

    def builds_for(self, torch: Version, platform: str) -> tuple[Build, ...]:
        """The builds of a torch release for a platform, in the order of `builds`."""
        key = torch, platform
        if key not in self._builds_for:
            rows = (Build.read(row) for row in self._build_rows.get(torch, ()) if row["platform"] == platform)
            self._builds_for[key] = tuple(sorted(rows, key=_preference))
        return self._builds_for[key]

    def has_builds(self, torch: Version) -> bool:
        """Whether any build of a torch release is known."""
        return torch in self._build_rows

    @cached_property
    def _build_rows(self) -> dict[Version, list[Row]]:
        found: dict[Version, list[Row]] = {}
        for row in self._rows("build"):
            found.setdefault(version(row["torch"]), []).append(row)
        return found

    @cached_property
    def torchvisions(self) -> dict[Version, Partner]:
        """Every torchvision release, newest first."""
        return self._partners("torchvision")

    @cached_property
    def torchaudios(self) -> dict[Version, Partner]:
        """Every torchaudio release, newest first."""
        return self._partners("torchaudio")

    def _partners(self, table: str) -> dict[Version, Partner]:
        rows = map(Partner.read, self._rows(table))
        return {row.version: row for row in sorted(rows, key=lambda row: row.version, reverse=True)}

    def partner(self, name: str, torch: Version) -> Partner | None:
        """The torchvision or torchaudio that came out with a torch release, else the newest that works with it."""
        key = name, torch
        if key not in self._partner_of:
            rows = self.torchvisions if name == "torchvision" else self.torchaudios
            fitting = [row for row in rows.values() if not row.yanked and admits(row.torch, torch)]
            paired = [row for row in fitting if row.pair == torch or row.pair is None]
            self._partner_of[key] = next(iter(paired or fitting), None)
        return self._partner_of[key]

    @cached_property
    def fastais(self) -> dict[Version, Fastai]:
        """Every fastai release, newest first."""
        rows = map(Fastai.read, self._rows("fastai"))
        return {row.version: row for row in sorted(rows, key=lambda row: row.version, reverse=True)}

    @cached_property
    def limits(self) -> tuple[Limit, ...]:
        """Undeclared limits and known-bad combinations, in the file's order."""
        return tuple(map(Limit.read, self._rows("limit")))

    @cached_property
    def cudas(self) -> dict[Cuda, CudaRelease]:
        """Every CUDA release, newest first."""
        rows = map(CudaRelease.read, self._rows("cuda"))
        return {row.cuda: row for row in sorted(rows, key=lambda row: row.cuda, reverse=True)}

    @cached_property
    def families(self) -> dict[int, CudaFamily]:
        """Driver floors by CUDA major."""
        return {row.major: row for row in map(CudaFamily.read, self._rows("cuda-family"))}

    @cached_property
    def capabilities(self) -> dict[Capability, CapabilityRow]:
        """What is known of each compute capability."""
        return {row.capability: row for row in map(CapabilityRow.read, self._rows("capability"))}

    def cudnn_floor(self, cudnn: Version, cuda_major: int) -> CudnnFloor | None:
        """The lowest capability that a cuDNN for a CUDA major has kernels for; None where nothing is known of it.

        cudnn: 9.10.2.21, or any shorter part of it.
        """
        of_major = (row for row in map(CudnnFloor.read, self._rows("cudnn-floor")) if row.cuda == cuda_major)
        return max((row for row in of_major if row.version <= cudnn), default=None, key=lambda row: row.version)

    @cached_property
    def gpus(self) -> tuple[GpuRow, ...]:
        """Every GPU known by name."""
        return tuple(map(GpuRow.read, self._rows("gpu")))

    @cached_property
    def gpu_names(self) -> GpuNames:
        """GPU names and aliases, ready to be looked up."""
        return GpuNames(self._rows("gpu"))

    def capability_of(self, name: str) -> Capability | None:
        """The compute capability of a GPU by the name that the driver prints; None for an unknown name."""
        return self.gpu_names.capability_of(name)

    @cached_property
    def images(self) -> dict[tuple[str, str], Image]:
        """Container images that exist, by repository and tag. Others may exist: the list is not complete."""
        from compatmatrix.matrix.repositories import Image

        return {(row.repository, row.tag): row for row in map(Image.read, self._rows("image"))}

    @cached_property
    def conda_releases(self) -> tuple[CondaRelease, ...]:
        """torch on conda channels, in the file's order."""
        from compatmatrix.matrix.repositories import CondaRelease

        return tuple(map(CondaRelease.read, self._rows("conda")))

    def conda_lacks(self, channel: str, torch: Version) -> CondaChannel | None:
        """The channel, where it is certain that it never had this torch release; None where it has, or may have."""
        from compatmatrix.matrix.repositories import CondaChannel

        rows = map(CondaChannel.read, self._rows("conda-channel"))
        found = next((row for row in rows if row.name == channel), None)
        if found is None or torch < found.complete_from or (torch > found.complete_to and not found.closed):
            return None
        has = any(row.channel == channel and row.version == torch for row in self.conda_releases)
        return None if has else found

    @cached_property
    def platforms(self) -> frozenset[str]:
        """The platforms for which there is any build."""
        return frozenset(row["platform"] for row in self._rows("build"))

    @property
    def pytorch_index(self) -> str:
        """The base address of the PyTorch index, without a slash at the end."""
        return str(self.tables["index"]["pytorch"]["url"]).rstrip("/")

    def default_build(self, torch: Version, platform: str) -> Build | None:
        """PyPI's own build of a torch release; None where PyPI has none for the platform."""
        return next((build for build in self.builds_for(torch, platform) if build.index == "pypi"), None)


def _preference(build: Build) -> tuple[bool, bool, tuple[int, int]]:
    cuda = build.cuda or Cuda(0, 0)
    return build.index != "pypi", build.cuda is None, (-cuda.major, -cuda.minor)
