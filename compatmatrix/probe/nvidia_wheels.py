"""The nvidia-* wheels of an environment: which CUDA major each is for, and whether its files are still its own."""

import csv
import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple


class NvidiaWheel(NamedTuple):
    """name: normalised. base: without "nvidia-" and the CUDA major ("cudnn"). major: of CUDA. folder: site-packages."""

    name: str
    version: str
    base: str
    major: int
    folder: Path

    @property
    def folders(self) -> tuple[Path, str]:
        """Where it writes. Wheels without a suffix (CUDA 13 and later) keep to a folder of their major."""
        own = self.base if re.search(r"-cu\d+$", self.name) else f"cu{self.major}"
        return self.folder, own

    def library(self, stem: str) -> Path | None:
        """The wheel's library that begins so ("libcudnn.so"), None where it is not there."""
        folder = self.folder / "nvidia" / self.folders[1] / "lib"
        try:
            names = sorted(entry.name for entry in os.scandir(folder) if entry.name.startswith(f"{stem}."))
        except OSError:
            return None
        return folder / names[0] if names else None


def nvidia_wheels(site_packages: Sequence[Path]) -> tuple[NvidiaWheel, ...]:
    """Those wheels that carry libraries of CUDA, by the names of their records."""
    found: dict[str, NvidiaWheel] = {}
    for folder in site_packages:
        try:
            names = sorted(entry.name for entry in os.scandir(folder) if entry.name.startswith(("nvidia_", "nvidia-")))
        except OSError:
            continue
        for entry in names:
            match = re.fullmatch(r"nvidia[-_](.+?)(?:[-_]cu(\d+))?-(\d[^-]*)\.dist-info", entry)
            if match:
                base, version = match[1].replace("-", "_"), match[3]
                major = int(match[2] or version.partition(".")[0])
                name = f"nvidia-{base.replace('_', '-')}" + (f"-cu{match[2]}" if match[2] else "")
                found.setdefault(name, NvidiaWheel(name, version, base, major, folder))
    return tuple(found.values())


def overwritten(wheel: NvidiaWheel) -> str:
    """The first library whose size is not the recorded one, or that is gone: another wheel wrote or removed it.

    Empty where all are as recorded, and where there is no record.
    """
    for path, size in _libraries(wheel):
        try:
            if path.stat().st_size != size:
                return str(path.relative_to(wheel.folder))
        except FileNotFoundError:
            return str(path.relative_to(wheel.folder))
        except OSError:
            continue
    return ""


def emptied(wheel: NvidiaWheel) -> bool:
    """Whether all its libraries are gone, though its record is there: what is left when a wheel that shares its folder
    is removed. Images that were slimmed lack some, not all."""
    libraries = [path for path, _ in _libraries(wheel)]
    return bool(libraries) and not any(path.exists() for path in libraries)


def _libraries(wheel: NvidiaWheel) -> Iterator[tuple[Path, int]]:
    stem = f"nvidia_{wheel.base}" + (f"_cu{wheel.major}" if wheel.name.endswith(f"-cu{wheel.major}") else "")
    try:
        text = (wheel.folder / f"{stem}-{wheel.version}.dist-info" / "RECORD").read_text("utf-8", "replace")
    except OSError:
        return
    for row in csv.reader(line for line in text.splitlines() if ".so" in line):
        if len(row) == 3 and row[2].isdigit() and ".so" in row[0] and ".." not in row[0]:
            yield wheel.folder / row[0], int(row[2])


def only_for_torch(site_packages: Sequence[Path], major: int) -> tuple[str, ...]:
    """The wheels of one CUDA major that nothing but torch and its like asks for: what is left over when torch moves to
    another CUDA."""
    names = [wheel.name for wheel in nvidia_wheels(site_packages) if wheel.major == major]
    asked = asked_by_others(site_packages, names)
    return tuple(sorted(name for name in names if name not in asked))


def asked_by_others(site_packages: Sequence[Path], names: Collection[str]) -> dict[str, str]:
    """Those of the names that some package besides torch and NVIDIA's own requires, each with one that does."""
    found: dict[str, str] = {}
    for folder in site_packages if names else ():
        try:
            records = sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(".dist-info"))
        except OSError:
            continue
        for record in records:
            if record.startswith(("torch-", "nvidia_", "nvidia-", "cuda_", "triton-")):
                continue
            for name in _requires(folder / record / "METADATA"):
                if name in names:
                    found.setdefault(name, record.partition("-")[0].replace("_", "-"))
    return found


def _requires(metadata: Path) -> Iterator[str]:
    try:
        text = metadata.read_text("utf-8", "replace")
    except OSError:
        return
    for match in re.finditer(r"^Requires-Dist:[ \t]*(nvidia[A-Za-z0-9._-]+)", text.partition("\n\n")[0], re.M):
        yield re.sub(r"[-_.]+", "-", match[1]).lower()
