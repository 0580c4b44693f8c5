"""CUDA's libraries as the loader finds them: wheels over wheels, LD_LIBRARY_PATH before them, no driver's library."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from packaging.version import InvalidVersion, Version

from compatmatrix.model.cuda import Cuda
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.host import Host
from compatmatrix.probe.copies import without
from compatmatrix.probe.files import exists
from compatmatrix.probe.nvidia_wheels import NvidiaWheel, asked_by_others, emptied, overwritten
from compatmatrix.probe.trouble import LIBRARIES, Trouble

# Libraries that the NVIDIA wheels find by RUNPATH, which the loader reads after LD_LIBRARY_PATH. torch's own libraries
# carry RPATH, which it reads before: what they need themselves is found in the wheels whatever the variable says.
# Seen with readelf -d in torch 1.13.1 from PyPI.
_BY_RUNPATH = {
    "libnvJitLink.so": "nvjitlink",
    "libcublasLt.so": "cublas",
    "libcudnn.so": "cudnn",
    "libcudnn_graph.so": "cudnn",
    "libcudnn_ops.so": "cudnn",
    "libcudnn_ops_infer.so": "cudnn",
    "libcusparse.so": "cusparse",
}
_DRIVER_PLACES = (
    "usr/lib/x86_64-linux-gnu",
    "usr/lib/aarch64-linux-gnu",
    "usr/lib64",
    "usr/lib",
    "usr/lib/wsl/lib",
    "usr/local/nvidia/lib64",
    "usr/local/cuda/compat",
    "run/opengl-driver/lib",
)


def mixed(wheels: Sequence[NvidiaWheel], cuda: Cuda, site_packages: Sequence[Path]) -> Iterator[Trouble]:
    """NVIDIA wheels of two CUDA majors that write into the same folders.

    Another package may need the other CUDA (TensorFlow and JAX bring their own): as long as torch's files are whole,
    that is as it should be, and no repair takes such a wheel away.
    """
    for wheel in wheels:
        if wheel.major == cuda.major and emptied(wheel):
            yield Trouble(
                Finding(
                    LIBRARIES,
                    Severity.ERROR,
                    f"{wheel.name} {wheel.version} is recorded as installed, but its libraries are gone",
                    "a wheel of another CUDA that shared its folder was removed: install this one anew",
                    packages=("torch", wheel.name),
                ),
                reinstall=(f"{wheel.name}=={wheel.version}",),
            )
            continue
        twins = [other for other in wheels if other.folders == wheel.folders and other.major != wheel.major]
        if wheel.major != cuda.major or not twins:
            continue
        lost = overwritten(wheel)
        needed = asked_by_others(site_packages, [twin.name for twin in twins])
        if needed and not lost:
            continue
        names = " and ".join(f"{twin.name} {twin.version}" for twin in twins)
        what = f"{wheel.name} {wheel.version} and {names} share a folder"
        if lost:
            message = f"{what}: {lost} is not the file that {wheel.name} brought; torch was built for CUDA {cuda.major}"
        else:
            message = f"{what}: removing one takes files of the other away; torch was built for CUDA {cuda.major}"
        if needed:
            owner = next(iter(needed.values()))
            hint = f"{owner} needs the other CUDA: give torch and {owner} an environment each"
            yield Trouble(Finding(LIBRARIES, Severity.WARNING, message, hint, packages=(wheel.name, *needed)))
            continue
        yield Trouble(
            Finding(
                LIBRARIES,
                Severity.ERROR if lost else Severity.WARNING,
                message,
                f"remove the wheels of the other CUDA and install {wheel.name} anew",
                packages=(wheel.name, *(twin.name for twin in twins)),
            ),
            remove=tuple(twin.name for twin in twins),
            reinstall=(f"{wheel.name}=={wheel.version}",),
        )


def library_path(wheels: Sequence[NvidiaWheel], cuda: Cuda, environ: Mapping[str, str]) -> Iterator[Trouble]:
    """Libraries in LD_LIBRARY_PATH that the loader takes before those of the wheels, where they are older or broken."""
    folders = [Path(place) for place in environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if place]
    bad: dict[Path, Finding] = {}
    for stem, base in _BY_RUNPATH.items():
        wheel = next((one for one in wheels if one.base == base and one.major == cuda.major), None)
        library = wheel.library(stem) if wheel else None
        if wheel is None or library is None:
            continue
        first = next((folder / library.name for folder in folders if exists(folder / library.name)), None)
        if first is None or first.parent in bad or os.path.realpath(first) == os.path.realpath(library):
            continue
        wrong = _wrong(first, wheel, base)
        if wrong:
            bad[first.parent] = Finding(
                LIBRARIES,
                Severity.ERROR,
                f"LD_LIBRARY_PATH puts {first} before the {library.name} of {wheel.name} {wheel.version}: {wrong}",
                "the wheels bring their own CUDA libraries: take the folder out of LD_LIBRARY_PATH",
                packages=("torch", wheel.name),
            )
    shell = without(environ, "LD_LIBRARY_PATH", set(bad))
    for finding in bad.values():
        yield Trouble(finding, shell=shell)


def _wrong(library: Path, wheel: NvidiaWheel, base: str) -> str:
    """Why a library cannot stand in for the wheel's; empty where it can, or where nobody can tell."""
    try:
        with library.open("rb") as file:
            magic = file.read(4)
    except OSError:
        return ""
    if magic != b"\x7fELF":
        return "it is no library, and the loader stops at it"
    theirs = _real_version(library)
    if theirs is None:
        return ""
    ours = Version(wheel.version)
    if base == "cudnn" and theirs.release[:2] != ours.release[:2]:
        return f"it is {theirs}, and the parts of cuDNN must be of one version"
    if theirs.release[:2] < ours.release[:2]:
        return f"it is {theirs}, and lacks symbols that the other wheels expect"
    return ""


def _real_version(library: Path) -> Version | None:
    """By the full name of the file behind the links: libnvJitLink.so.12.1.105."""
    real = os.path.realpath(library)
    match = re.search(r"\.so\.(\d+\.\d+(?:\.\d+)*)$", real)
    try:
        return Version(match[1]) if match else None
    except InvalidVersion:
        return None


def driver_library(host: Host, environ: Mapping[str, str], root: Path) -> Iterator[Trouble]:
    """A GPU whose driver has no libcuda here: a container started with too few capabilities, half an installation."""
    if not host.gpus.value or {host.gpus.origin, host.driver.origin} & {"given", "host files", "host file"}:
        return
    places = [Path(place) for place in environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if place]
    places += [root / place for place in _DRIVER_PLACES]
    if any(exists(place / "libcuda.so.1") for place in places) or _in_loader_cache(root):
        return
    yield Trouble(
        Finding(
            "container-driver",
            Severity.WARNING,
            "the GPU is there, but the driver's libcuda.so.1 is not: torch will see no GPU",
            "in a container, give it the compute capability (NVIDIA_DRIVER_CAPABILITIES=compute,utility); else install "
            "the driver's libraries",
            packages=("torch",),
        )
    )


def _in_loader_cache(root: Path) -> bool:
    try:
        return b"libcuda.so.1\0" in (root / "etc/ld.so.cache").read_bytes()
    except OSError:
        return False
