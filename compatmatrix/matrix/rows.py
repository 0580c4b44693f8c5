"""The rows of the matrix as frozen values, and how each is read from its TOML table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from compatmatrix.model.cuda import Arch, Capability, Cuda
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.finding import Evidence
from compatmatrix.model.host import Libc

Row = Mapping[str, Any]

METHODS = ("metadata", "measured", "documented", "reported", "inferred")

# PEP 600 gives the old names of the manylinux tags.
_LEGACY_MANYLINUX = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


@cache
def version(text: str) -> Version:
    """A version, parsed once per text."""
    return Version(text)


@cache
def specifiers(text: str) -> SpecifierSet:
    """A set of specifiers, parsed once per text."""
    return SpecifierSet(text)


@lru_cache(maxsize=65536)
def admits(spec: str, release: Version) -> bool:
    """Whether a specifier text admits a version; pre-releases count as ordinary versions."""
    return specifiers(spec).contains(release, prereleases=True)


_arch = lru_cache(maxsize=None)(Arch.parse)
_cuda_of_tag = lru_cache(maxsize=None)(Cuda.from_tag)


def evidence(row: Row) -> Evidence:
    """Where the row was read and when."""
    return Evidence(str(row["source"]), str(row["checked"]))


class CudaRelease(NamedTuple):
    """One CUDA release.

    drivers: per system ("linux", "windows"), the driver made with it: from that on its PTX loads.
    """

    cuda: Cuda
    drivers: dict[str, DriverVersion]
    evidence: Evidence

    @classmethod
    def read(cls, row: Row) -> "CudaRelease":
        return cls(Cuda.parse(row["version"]), _drivers(row), evidence(row))


class CudaFamily(NamedTuple):
    """All releases of one CUDA major. drivers: the floor of minor-version compatibility, per system."""

    major: int
    drivers: dict[str, DriverVersion]
    evidence: Evidence

    @classmethod
    def read(cls, row: Row) -> "CudaFamily":
        return cls(row["major"], _drivers(row), evidence(row))


def _drivers(row: Row) -> dict[str, DriverVersion]:
    return {
        system: DriverVersion(row[f"driver-{system}"]) for system in ("linux", "windows") if f"driver-{system}" in row
    }


class CapabilityRow(NamedTuple):
    """What is true of all GPUs of one compute capability.

    first_driver, last_driver: driver branches (535), None where not evidenced. tegra: a part that does not take
    its neighbours' machine code, except from builds of the CUDA named by neighbours_from on.
    """

    capability: Capability
    name: str
    first_driver: int | None
    last_driver: int | None
    tegra: bool
    neighbours_from: Cuda | None
    evidence: Evidence

    @classmethod
    def read(cls, row: Row) -> "CapabilityRow":
        neighbours = row.get("neighbours-from")
        return cls(
            Capability.parse(row["capability"]),
            row["name"],
            row.get("first-driver"),
            row.get("last-driver"),
            bool(row.get("tegra")),
            Cuda.parse(neighbours) if neighbours else None,
            evidence(row),
        )


class CudnnFloor(NamedTuple):
    """From this cuDNN on, cuDNN for this CUDA major has no kernels below the capability."""

    cuda: int
    version: Version
    capability: Capability
    evidence: Evidence

    @classmethod
    def read(cls, row: Row) -> "CudnnFloor":
        return cls(row["cuda"], version(row["version"]), Capability.parse(row["capability"]), evidence(row))


class GpuRow(NamedTuple):
    """A GPU as nvidia-smi prints it. aliases: what people call it. kind: "datacenter", "geforce", "workstation" …"""

    name: str
    capability: Capability
    kind: str
    aliases: tuple[str, ...]
    evidence: Evidence

    @classmethod
    def read(cls, row: Row) -> "GpuRow":
        aliases = tuple(row.get("aliases", ()))
        return cls(row["name"], Capability.parse(row["capability"]), row["kind"], aliases, evidence(row))


class Torch(NamedTuple):
    """A torch release. numpy: the ABI window, such as "<2" for wheels compiled against NumPy 1 only."""

    version: Version
    numpy: str
    yanked: str
    evidence: Evidence

    @classmethod
    def read(cls, row: Row) -> "Torch":
        return cls(version(row["version"]), row.get("numpy", ""), row.get("yanked", ""), evidence(row))


@dataclass(frozen=True, slots=True, eq=False)
class Build:
    """One published build of a torch release.

    build: "cu126" or "cpu". index: "pypi" or "pytorch". pythons: "3.11", "3.14t". wheel: the platform tag.
    libc: the floor of glibc or macOS. archs: compiled architectures, empty for a CPU build. cudnn, nccl, triton: what
    it brings or asks for; None where it has none or nobody has read it.
    """

    torch: Version
    build: str
    platform: str
    index: str
    pythons: tuple[str, ...]
    wheel: str
    libc: Libc | None
    archs: tuple[Arch, ...]
    method: str
    evidence: Evidence
    cudnn: Version | None = None
    nccl: Version | None = None
    triton: Version | None = None

    @classmethod
    def read(cls, row: Row) -> "Build":
        given = row.get("libc")
        libc = Libc("glibc", *map(int, given.split("."))) if given else libc_floor(row["wheel"])
        return cls(
            version(row["torch"]),
            row["build"],
            row["platform"],
            row["index"],
            tuple(row["pythons"]),
            row["wheel"],
            libc,
            tuple(map(_arch, row.get("archs", ()))),
            row["method"],
            evidence(row),
            *(version(row[name]) if name in row else None for name in ("cudnn", "nccl", "triton")),
        )

    @property
    def cuda(self) -> Cuda | None:
        """The CUDA release of the build, None for a CPU build."""
        return _cuda_of_tag(self.build)

    @property
    def archs_known(self) -> bool:
        """False where nobody has read the architectures of a CUDA build yet."""
        return bool(self.archs) or self.cuda is None

    @property
    def full_version(self) -> Version:
        """As pip names it: with the build as local version where it comes from the PyTorch index."""
        return version(f"{self.torch}+{self.build}") if self.index == "pytorch" else self.torch


def libc_floor(wheel: str) -> Libc | None:
    """The oldest glibc or macOS that a platform tag allows (PEP 600); None for tags without a floor."""
    match = re.match(r"(manylinux|musllinux|macosx)_(\d+)_(\d+)_", wheel)
    if match:
        kind = {"manylinux": "glibc", "musllinux": "musl", "macosx": "macos"}[match[1]]
        return Libc(kind, int(match[2]), int(match[3]))
    legacy = _LEGACY_MANYLINUX.get(wheel.split("_", 1)[0])
    return Libc("glibc", *legacy) if legacy else None


class Partner(NamedTuple):
    """A torchvision or torchaudio release.

    torch: specifier of the torch releases it works with. pair: the release it came out with, where the specifier
    names more than one.
    """

    version: Version
    torch: str
    pair: Version | None
    pythons: tuple[str, ...]
    yanked: str
    evidence: Evidence

    @classmethod
    def read(cls, row: Row) -> "Partner":
        return cls(
            version(row["version"]),
            row["torch"],
            version(row["pair"]) if "pair" in row else None,
            tuple(row.get("pythons", ())),
            row.get("yanked", ""),
            evidence(row),
        )


class Fastai(NamedTuple):
    """A fastai release as its metadata declares it. requires: package to specifier."""

    version: Version
    python: str
    requires: dict[str, str]
    yanked: str
    evidence: Evidence

    @classmethod
    def read(cls, row: Row) -> "Fastai":
        return cls(
            version(row["version"]),
            row.get("python", ""),
            dict(row.get("requires", {})),
            row.get("yanked", ""),
            evidence(row),
        )


class Limit(NamedTuple):
    """An undeclared limit: while all of `when` holds, only `allowed` versions of `package` work.

    code: of the finding. symptom: the error as users see it.
    """

    package: str
    allowed: str
    when: dict[str, str]
    code: str
    severity: str
    symptom: str
    evidence: Evidence

    @classmethod
    def read(cls, row: Row) -> "Limit":
        return cls(
            row["package"],
            row["allowed"],
            dict(row["when"]),
            row.get("code", "known-bad"),
            row.get("severity", "error"),
            row["symptom"],
            evidence(row),
        )
