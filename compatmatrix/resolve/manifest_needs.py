"""What a file's torch needs of any host: driver and GPU. For files read without a machine in mind, and for changes."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.rows import Build
from compatmatrix.model.cuda import Capability
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.finding import Evidence, Finding, Place, Severity
from compatmatrix.resolve.manifest import JudgedPart
from compatmatrix.resolve.manifest_containers import image_floor
from compatmatrix.rules.case import driver_floor, find_build
from compatmatrix.rules.coverage import serves


class Needs(NamedTuple):
    """what: "torch 2.8.0 (cu128)". driver: the floor, None for a CPU build. capabilities: of the GPUs that it has code
    for, empty where not known. place: of the line that decides."""

    what: str
    driver: DriverVersion | None
    capabilities: tuple[Capability, ...]
    place: Place | None
    evidence: tuple[Evidence, ...] = ()


def needs_of(one: JudgedPart, matrix: Matrix) -> Needs | None:
    """What a section needs; None where it has no torch that we know, or one without CUDA."""
    pin, section = one.stack.get("torch"), one.part.section
    system = one.host.driver_system or "linux"
    image = image_floor(section.image, matrix) if section.image else None
    build = None
    if pin and "torch" not in one.part.conda | one.part.opaque:
        build = find_build(pin, one.host.platform.value or "", matrix)
    place = one.part.place_of(("torch",))
    if build is None or build.cuda is None:
        floors = [image, driver_floor(section.cuda, system, matrix) if section.cuda else None]
        floor = max((floor for floor in floors if floor), default=None)
        if floor is None or pin is None or (build and build.cuda is None):
            return None
        return Needs(f"torch {pin.release} (CUDA {section.cuda})", floor, (), section.cuda_place or place)
    floor = driver_floor(build.cuda, system, matrix)
    family = matrix.families.get(build.cuda.major)
    return Needs(
        f"torch {build.torch} ({build.build})",
        max((found for found in (floor, image) if found), default=None),
        _served(build, system, matrix),
        place,
        (family.evidence,) if family else (),
    )


def _served(build: Build, system: str, matrix: Matrix) -> tuple[Capability, ...]:
    """Capabilities of GPUs in cards; a Jetson's are left out, which few builds are for."""
    rows = [row for row in matrix.capabilities.values() if not row.tegra]
    return tuple(sorted(row.capability for row in rows if serves(build, row.capability, None, system, matrix)))


def sentence(needs: Needs) -> str:
    """The needs in words."""
    gpu = f" and a GPU of capability {', '.join(map(str, needs.capabilities))}" if needs.capabilities else ""
    return f"{needs.what}: needs driver {needs.driver} or later{gpu}"


def raised(old: Sequence[JudgedPart], new: Sequence[JudgedPart], matrix: Matrix) -> Iterator[Finding]:
    """What a change asks of hosts that the file before it did not: a newer driver, GPUs that are no longer served."""
    before = {one.part.section.name: needs_of(one, matrix) for one in old}
    told = set()
    for one in new:
        needs, earlier = needs_of(one, matrix), before.get(one.part.section.name)
        if needs is None or earlier is None or (earlier.what, needs.what, needs.place) in told:
            continue
        told.add((earlier.what, needs.what, needs.place))
        change = f"({earlier.what} to {needs.what})"
        if earlier.driver and needs.driver and needs.driver > earlier.driver:
            yield Finding(
                "driver-floor-raised",
                Severity.WARNING,
                f"this change raises the driver floor from {earlier.driver} to {needs.driver} {change}",
                "hosts with an older driver will stop working: look at them with nvidia-smi before it is merged",
                packages=("torch",),
                evidence=needs.evidence,
                where=needs.place,
            )
        lost = [capability for capability in earlier.capabilities if capability not in needs.capabilities]
        if lost and needs.capabilities:
            yield Finding(
                "gpus-dropped",
                Severity.WARNING,
                f"this change drops GPUs of capability {', '.join(map(str, lost))} {change}",
                "such GPUs need another build or the old version",
                packages=("torch",),
                where=needs.place,
            )
