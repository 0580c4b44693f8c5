"""What only a live machine shows: copies that hide each other, libraries put first, files overwritten, no driver.

Nothing is run: folders are listed, the first bytes of libraries and the records of wheels are read.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from packaging.version import InvalidVersion, Version

from compatmatrix.model.cuda import Cuda
from compatmatrix.model.finding import Finding, Severity
from compatmatrix.model.host import Host
from compatmatrix.model.stack import Stack
from compatmatrix.probe.environment import Interpreter
from compatmatrix.probe.files import exists, is_folder
from compatmatrix.probe.nvidia_wheels import NvidiaWheel, emptied, nvidia_wheels, overwritten

COPIES = "two-copies"
LIBRARIES = "cuda-libs-conflict"
TORCH_FAMILY = ("torch", "torchvision", "torchaudio")
_TWICE = (*TORCH_FAMILY, "fastai", "numpy")

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


class Trouble(NamedTuple):
    """A finding, and what takes it away besides other versions.

    remove, reinstall: distributions, the latter with their versions. shell: a command for the user's own shell, which
    no child process can run for it. without: the folder that imports no longer see then.
    """

    finding: Finding
    remove: tuple[str, ...] = ()
    reinstall: tuple[str, ...] = ()
    shell: str = ""
    without: Path | None = None


def import_path(interpreter: Interpreter, environ: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """The folders that an import searches: PYTHONPATH's existing ones first, then the environment's."""
    return (*_python_path(os.environ if environ is None else environ), *interpreter.site_packages)


def _python_path(environ: Mapping[str, str]) -> tuple[Path, ...]:
    folders = (Path(place) for place in environ.get("PYTHONPATH", "").split(os.pathsep) if place)
    return tuple(folder for folder in folders if is_folder(folder))


def look_live(
    interpreter: Interpreter,
    stack: Stack,
    host: Host,
    *,
    environ: Mapping[str, str] | None = None,
    root: Path = Path("/"),
    system: str = sys.platform,
) -> tuple[Trouble, ...]:
    """What the rules cannot see in names and versions. stack: as imports see it. Never raises.

    environ, root, system: the machine to look at (for tests).
    """
    environ = os.environ if environ is None else environ
    found = [*_copies(interpreter, stack, environ), *_records(interpreter, stack)]
    if system == "linux":
        wheels = nvidia_wheels(interpreter.site_packages)
        torch = stack.get("torch")
        cuda = Cuda.from_tag(torch.flavour) if torch and torch.flavour else None
        if cuda:
            found += _mixed(wheels, cuda)
            found += _library_path(wheels, cuda, environ)
            found += _driver_library(host, environ, root)
    return tuple(found)


def requested(site_packages: Sequence[Path]) -> frozenset[str]:
    """The distributions that the user asked for by name: installers leave REQUESTED in their records (PEP 376)."""
    names = set()
    for folder in site_packages:
        for record in _dist_infos(folder):
            if exists(folder / record / "REQUESTED"):
                names.add(record.partition("-")[0].lower().replace("_", "-"))
    return frozenset(names)


def _dist_infos(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(".dist-info"))
    except OSError:
        return []


def _copies(interpreter: Interpreter, stack: Stack, environ: Mapping[str, str]) -> Iterator[Trouble]:
    """Packages that lie in two folders of the import path: the first is imported, pip looks after another."""
    outside = _python_path(environ)
    places = import_path(interpreter, environ)
    homes_of = {name: [folder for folder in places if exists(folder / name / "__init__.py")] for name in _TWICE}
    scattered = len({homes[0] for name in TORCH_FAMILY if (homes := homes_of[name])}) > 1
    for name, homes in homes_of.items():
        if len(homes) < 2 or name not in stack:
            continue
        versions = [_version_in(folder, name) for folder in homes[:2]]
        if versions[0] == versions[1]:
            continue
        one, other = (f"{version or '?'} in {home}" for version, home in zip(versions, homes, strict=False))
        finding = Finding(
            COPIES,
            Severity.WARNING,
            f"{name} is there twice: {one} is imported, {other} is hidden by it",
            packages=(name,),
        )
        if homes[0] in outside:
            hint = f"PYTHONPATH puts {homes[0]} before the environment"
            shell = _without(environ, "PYTHONPATH", {homes[0]})
            yield Trouble(finding._replace(hint=hint), shell=shell, without=homes[0])
        elif _is_astray(homes[0], interpreter, scattered and name in TORCH_FAMILY):
            # pip removes the copy that is imported first: the user's own folder before the interpreter's.
            hint = f"remove the copy in {homes[0]}, or start Python with PYTHONNOUSERSITE=1"
            yield Trouble(finding._replace(hint=hint), remove=(name,), without=homes[0])


def _is_astray(home: Path, interpreter: Interpreter, scattered: bool) -> bool:
    """Whether a copy lies where it does harm. A virtual environment that hides the system's copy is as it should be;
    so is a copy in the user's folder, unless it hides a conda environment's or tears the torch family apart."""
    if interpreter.installer == "conda":
        return interpreter.prefix not in home.parents
    return interpreter.installer is None and scattered


def _version_in(folder: Path, name: str) -> str:
    for file in (folder / name / "version.py", folder / name / "_version.py", folder / name / "__init__.py"):
        try:
            with file.open("rb") as opened:
                text = opened.read(1 << 16).decode("utf-8", "replace")
        except OSError:
            continue
        match = re.search(r"""^(?:__version__|version|short_version)\b[^=\n]*=\s*['"]([^'"]{1,60})['"]""", text, re.M)
        if match:
            return match[1]
    return ""


def _records(interpreter: Interpreter, stack: Stack) -> Iterator[Trouble]:
    """Two records of one distribution in one folder: what a broken update leaves behind."""
    for folder in interpreter.site_packages:
        seen: dict[str, list[str]] = {}
        for entry in _dist_infos(folder):
            name, _, version = entry.removesuffix(".dist-info").rpartition("-")
            seen.setdefault(name.lower().replace("_", "-"), []).append(version)
        for name, versions in seen.items():
            if len(versions) > 1 and name in stack and name in _TWICE:
                # What is there tells more than either record.
                here = _version_in(folder, name).partition("+")[0] or str(stack[name].release)
                yield Trouble(
                    Finding(
                        COPIES,
                        Severity.WARNING,
                        f"{name} has {len(versions)} records in {folder} ({', '.join(sorted(versions))}); "
                        f"{here} is the one that is there",
                        "an update was interrupted, or two installers were at work: install it anew",
                        packages=(name,),
                    ),
                    reinstall=(f"{name}=={here}",),
                )


def _mixed(wheels: Sequence[NvidiaWheel], cuda: Cuda) -> Iterator[Trouble]:
    """NVIDIA wheels of two CUDA majors that write into the same folders."""
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
        names = " and ".join(f"{twin.name} {twin.version}" for twin in twins)
        what = f"{wheel.name} {wheel.version} and {names} share a folder"
        if lost:
            message = f"{what}: {lost} is not the file that {wheel.name} brought; torch was built for CUDA {cuda.major}"
        else:
            message = f"{what}: removing one takes files of the other away; torch was built for CUDA {cuda.major}"
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


def _library_path(wheels: Sequence[NvidiaWheel], cuda: Cuda, environ: Mapping[str, str]) -> Iterator[Trouble]:
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
    shell = _without(environ, "LD_LIBRARY_PATH", set(bad))
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


def _without(environ: Mapping[str, str], name: str, folders: set[Path]) -> str:
    """The command that takes folders out of a path variable."""
    kept = [place for place in environ.get(name, "").split(os.pathsep) if place and Path(place) not in folders]
    return f"export {name}={shlex.quote(os.pathsep.join(kept))}" if kept else f"unset {name}"


def _driver_library(host: Host, environ: Mapping[str, str], root: Path) -> Iterator[Trouble]:
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
