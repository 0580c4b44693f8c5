"""Which compiled architectures run on which GPU, and which builds therefore serve a host.

Source of the rule: NVIDIA's CUDA C++ programming guide, binary and PTX compatibility; the exceptions of Tegra parts are
rows of the matrix.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import Build
from compatmatrix.model.cuda import Arch, Capability, Cuda
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.host import Gpu, Host
from compatmatrix.rules.case import Case, driver_floor


def runs_on(arch: Arch, gpu: Capability, build: Build, matrix: Matrix, *, ptx_loads: bool) -> bool:
    """Whether one architecture of a build runs on a GPU.

    Machine code for X.y runs on X.z with z >= y, never across majors; PTX runs on everything later, where the
    driver knows the toolkit that wrote it (ptx_loads).
    """
    code = arch.capability
    if arch.ptx:
        return ptx_loads and (code == gpu if arch.suffix else code <= gpu)
    if code == gpu:
        return True
    if arch.suffix == "a" or code.major != gpu.major or code.minor > gpu.minor:
        return False
    return not any(_keeps_to_itself(capability, build, matrix) for capability in (code, gpu))


def _keeps_to_itself(capability: Capability, build: Build, matrix: Matrix) -> bool:
    row = matrix.capabilities.get(capability)
    if row is None or not row.tegra:
        return False
    relaxed = row.neighbours_from is not None and build.cuda is not None and build.cuda >= row.neighbours_from
    return not relaxed


@lru_cache(maxsize=65536)
def serves(build: Build, gpu: Capability, driver: DriverVersion | None, system: str, matrix: Matrix) -> bool:
    """Whether any architecture of a build runs on a GPU. driver: None where unknown, then PTX counts as loading."""
    release = matrix.cudas.get(build.cuda) if build.cuda else None
    made_with = release.drivers.get(system) if release else None
    ptx_loads = driver is None or (made_with is not None and driver >= made_with)
    return any(runs_on(arch, gpu, build, matrix, ptx_loads=ptx_loads) for arch in build.archs)


@lru_cache(maxsize=65536)
def only_older_ptx(build: Build, gpu: Capability, driver: DriverVersion | None, system: str, matrix: Matrix) -> bool:
    """Whether a build serves a GPU by nothing but PTX of an older generation (another major).

    The driver translates it at first use; the libraries that come with the build (cuDNN, cuBLAS, NCCL) were made
    before the GPU and may lack kernels for it.
    """
    return not any(arch.capability.major == gpu.major for arch in build.archs) and serves(
        build, gpu, driver, system, matrix
    )


def served_by_older_ptx(build: Build, host: Host, system: str, matrix: Matrix) -> list[Gpu]:
    """The host's GPUs that a build serves by nothing but PTX of an older generation."""
    driver = host.driver.value
    return [
        gpu
        for gpu in dict.fromkeys(usable_gpus(host, matrix))
        if gpu.capability and build.cuda and only_older_ptx(build, gpu.capability, driver, system, matrix)
    ]


def unserved(build: Build, host: Host, system: str, matrix: Matrix) -> list[Gpu]:
    """The host's GPUs for which a build has no code. GPUs of unknown capability are left out."""
    driver = host.driver.value
    served: dict[Capability, bool] = {}
    missing: dict[Gpu, None] = {}
    for gpu in usable_gpus(host, matrix):
        if gpu.capability is None:
            continue
        if gpu.capability not in served:
            served[gpu.capability] = serves(build, gpu.capability, driver, system, matrix)
        if not served[gpu.capability]:
            missing[gpu] = None
    return list(missing)


@lru_cache(maxsize=4096)
def ever_served(gpu: Capability, platform: str, system: str, matrix: Matrix) -> bool:
    """Whether any known build for a platform has code for a GPU, whatever the driver."""
    return any(
        serves(build, gpu, None, system, matrix)
        for torch in matrix.torches
        for build in matrix.builds_for(torch, platform)
        if build.cuda
    )


def usable_gpus(host: Host, matrix: Matrix) -> tuple[Gpu, ...]:
    """The GPUs that a stack must serve: all, but for those that no torch ever had code for beside others that some has.

    An old card that only drives the screen must not keep the other from being used.
    """
    return _usable(host.gpus.value or (), host.platform.value or "", host.driver_system, matrix)


@lru_cache(maxsize=4096)
def _usable(gpus: tuple[Gpu, ...], platform: str, system: str, matrix: Matrix) -> tuple[Gpu, ...]:
    served = tuple(
        gpu for gpu in gpus if gpu.capability is None or ever_served(gpu.capability, platform, system, matrix)
    )
    return served if any(gpu.capability for gpu in served) else gpus


def driver_runs(build: Build, host: Host, system: str, matrix: Matrix) -> bool:
    """Whether the host's driver meets the floor of a build; an unknown driver does."""
    if build.cuda is None or host.driver.value is None:
        return True
    floor = driver_floor(build.cuda, system, matrix)
    return floor is not None and meets(floor, build.cuda, host, matrix)


def meets(floor: DriverVersion, cuda: Cuda, host: Host, matrix: Matrix) -> bool:
    """Whether the host's driver, which is known, runs builds of a CUDA whose floor is given.

    A driver that offers this CUDA or a later one does, whatever its number. The drivers of Tegra parts have numbers of
    their own (580.00 on JetPack 7, which offers CUDA 13.0): only the branch counts there.
    """
    driver, offered = host.driver.value, host.driver_cuda.value
    if driver is None or driver >= floor or (offered is not None and offered >= cuda):
        return True
    return driver.major >= floor.major and all_tegra(host, matrix)


def all_tegra(host: Host, matrix: Matrix) -> bool:
    """Whether the host has GPUs and all of them are Tegra parts (Jetson)."""
    rows = [matrix.capabilities.get(gpu.capability) if gpu.capability else None for gpu in host.gpus.value or ()]
    return bool(rows) and all(row is not None and row.tegra for row in rows)


def fitting_builds(builds: Iterable[Build], case: Case) -> Iterator[Build]:
    """Those CUDA builds that run on the host's driver and have code for every GPU, of its own generation."""
    for build in builds:
        if (
            build.cuda is not None
            and build.archs_known
            and driver_runs(build, case.host, case.system, case.matrix)
            and not unserved(build, case.host, case.system, case.matrix)
            and not served_by_older_ptx(build, case.host, case.system, case.matrix)
        ):
            yield build


def fix_with_other_build(case: Case) -> tuple[str, ...]:
    """The torch family pinned to another build of the same releases that fits the host; empty where there is none."""
    torch = case.torch
    platform = case.host.platform.value
    if torch is None or platform is None or not case.advise:
        return ()
    build = next(fitting_builds(case.matrix.builds_for(torch, platform), case), None)
    return pins_of_build(case, build) if build else ()


def pins_of_build(case: Case, build: Build) -> tuple[str, ...]:
    """Requirements that put the case's torch family into another build, partners included."""
    local = f"+{build.build}" if build.index == "pytorch" else ""
    pins = [f"torch=={build.torch}{local}"]
    for name in ("torchvision", "torchaudio"):
        partner = case.matrix.partner(name, build.torch)
        if name in case.stack and partner:
            pins.append(f"{name}=={partner.version}{local}")
    return tuple(pins)
