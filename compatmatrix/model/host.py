"""The host: Python, platform, C library, driver and GPUs; each fact with its origin. Also the host file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from packaging.version import InvalidVersion, Version

from compatmatrix.errors import BadInput
from compatmatrix.model.cuda import Capability, Cuda
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.fact import Fact

HOST_SCHEMA = 1

WSL = "WSL"
"""The note of a Linux that runs below Windows."""


class Python(NamedTuple):
    """An interpreter as wheel tags see it. version: full where known, else "3.11"."""

    version: Version
    free_threaded: bool = False
    implementation: str = "cpython"

    @classmethod
    def parse(cls, text: str) -> "Python":
        """Read "3.11", "3.11.7" or "3.14t" (free-threaded). Raises ValueError."""
        match = re.fullmatch(r"(\d+\.\d+(?:\.\d+)?(?:(?:a|b|rc)\d+)?)(t?)", text.strip())
        if not match:
            raise ValueError(f"not a Python version: {text!r}")
        return cls(Version(match[1]), bool(match[2]))

    @property
    def minor(self) -> str:
        """The version that decides which wheels fit: "3.11", "3.14t"."""
        return f"{self.version.major}.{self.version.minor}{'t' if self.free_threaded else ''}"

    def __str__(self) -> str:
        return f"{self.version}{'t' if self.free_threaded else ''}"


class Libc(NamedTuple):
    """The C library ("glibc" or "musl"), or "macos" with the system's version."""

    kind: str
    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.kind} {self.major}.{self.minor}"


class Gpu(NamedTuple):
    """One NVIDIA GPU. capability is None where neither the driver nor the matrix knows the name."""

    name: str
    capability: Capability | None = None
    memory_mib: int | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.capability})" if self.capability else self.name


@dataclass(frozen=True, slots=True)
class Host:
    """What a stack must run on.

    platform: "linux-x86_64", "linux-aarch64", "windows-amd64", "macos-arm64", "macos-x86_64" or another name.
    driver: the NVIDIA driver's version; unknown with the reason where there is none. driver_cuda: the newest
    CUDA that this driver offers (nvidia-smi's "CUDA Version", never an installed toolkit).
    gpus: all NVIDIA GPUs; an empty tuple says that there is none.
    notes: other things seen, such as "WSL" or "container".
    """

    python: Fact[Python]
    platform: Fact[str]
    libc: Fact[Libc]
    driver: Fact[DriverVersion]
    gpus: Fact[tuple[Gpu, ...]]
    driver_cuda: Fact[Cuda] = field(default_factory=lambda: Fact.unknown("not asked"))
    notes: tuple[str, ...] = ()

    @property
    def driver_system(self) -> str:
        """The system whose driver versions count: "linux", "windows"; Windows below WSL, whose driver it uses."""
        return "windows" if WSL in self.notes else (self.platform.value or "").partition("-")[0]

    @property
    def has_gpu(self) -> bool | None:
        """True, False, or None where it is not known."""
        return None if self.gpus.value is None else bool(self.gpus.value)

    def to_dict(self) -> dict[str, Any]:
        """The host file: JSON values only. `host_from_dict` gives the same host back."""
        gpus: Fact[Any] = self.gpus
        if self.gpus.value is not None:
            rows = [
                {"name": g.name, "capability": g.capability and str(g.capability), "memory_mib": g.memory_mib}
                for g in self.gpus.value
            ]
            gpus = Fact.of(rows, self.gpus.origin)
        return {
            "schema": HOST_SCHEMA,
            "python": _fact_to_dict(self.python),
            "platform": _fact_to_dict(self.platform),
            "libc": _fact_to_dict(self.libc),
            "driver": _fact_to_dict(self.driver),
            "driver_cuda": _fact_to_dict(self.driver_cuda),
            "gpus": _fact_to_dict(gpus),
            "notes": list(self.notes),
        }


def _fact_to_dict(fact: Fact[Any]) -> dict[str, Any]:
    if fact.value is None:
        return {"value": None, "origin": fact.origin, "reason": fact.reason}
    plain = fact.value if isinstance(fact.value, list) else str(fact.value)
    return {"value": plain, "origin": fact.origin}


def _read_libc(text: str) -> Libc:
    match = re.fullmatch(r"(glibc|musl|macos) (\d+)\.(\d+)", text)
    if not match:
        raise ValueError(f"not a C library: {text!r}")
    return Libc(match[1], int(match[2]), int(match[3]))


def _read_gpus(rows: Any) -> tuple[Gpu, ...]:
    if not isinstance(rows, list):
        raise ValueError("expected a list of GPUs")
    gpus = []
    for row in rows:
        if not isinstance(row, Mapping) or not isinstance(row.get("name"), str):
            raise ValueError("each GPU needs a name")
        capability = row.get("capability")
        memory = row.get("memory_mib")
        gpus.append(
            Gpu(
                row["name"],
                Capability.parse(str(capability)) if capability else None,
                int(memory) if isinstance(memory, int) else None,
            )
        )
    return tuple(gpus)


def _read_platform(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+-[a-z0-9_]+", text):
        raise ValueError(f"not a platform: {text!r}")
    return text


def _read_driver(text: str) -> DriverVersion:
    return DriverVersion.given(text) if text.startswith("R") else DriverVersion(text)


_READERS: dict[str, Any] = {
    "python": Python.parse,
    "platform": _read_platform,
    "libc": _read_libc,
    "driver": _read_driver,
    "driver_cuda": Cuda.parse,
    "gpus": _read_gpus,
}


def host_from_dict(data: object, *, where: str = "host file") -> Host:
    """Read a host file's content. Every fault is listed in one BadInput; where names the file."""
    if not isinstance(data, Mapping):
        raise BadInput(f"{where}: expected a JSON object", hint="write one with: compatmatrix inspect --json")
    if "host" in data and "python" not in data:
        return host_from_dict(data["host"], where=where)
    problems = []
    if data.get("schema") != HOST_SCHEMA:
        problems.append(f"{where}: schema {data.get('schema')!r} is not {HOST_SCHEMA}")
    facts: dict[str, Fact[Any]] = {}
    for name, read in _READERS.items():
        row = data.get(name)
        try:
            facts[name] = _fact_from_dict(row, read)
        except (ValueError, TypeError, InvalidVersion) as error:
            problems.append(f"{where}: {name}: {error}")
    notes = data.get("notes", [])
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        problems.append(f"{where}: notes: expected a list of strings")
    if problems:
        raise BadInput(problems, hint="write one with: compatmatrix inspect --json")
    return Host(notes=tuple(notes), **facts)


def _fact_from_dict(row: object, read: Any) -> Fact[Any]:
    if row is None:
        return Fact.unknown("not in the host file")
    if not isinstance(row, Mapping):
        row = {"value": row}
    value = row.get("value")
    if value is None:
        return Fact.unknown(str(row.get("reason") or "not in the host file"), str(row.get("origin") or ""))
    if not isinstance(value, str) and read is not _read_gpus:
        raise ValueError(f"expected a string, not {value!r}")
    return Fact.of(read(value), str(row.get("origin") or "host file"))
