"""What a report states where the matrix has no build: torch's CUDA, driver floors and what a toolkit can target.

Sources: the matrix first; for releases older than it, the last tables of `data/tokens.toml`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.tokens import load_tokens
from compatmatrix.model.cuda import Capability, Cuda
from compatmatrix.model.driver import DriverVersion
from compatmatrix.model.finding import Evidence
from compatmatrix.model.host import Gpu
from compatmatrix.rules.case import Case, driver_floor


class Built(NamedTuple):
    """The CUDA that torch was built for. evidence: where it is not stated, but known of the release."""

    cuda: Cuda
    evidence: tuple[Evidence, ...] = ()


def torch_cuda(case: Case) -> Built | None:
    """As torch says itself, by the flavour of its version, by the matrix, or by what PyPI had of an old release."""
    pin = case.stack.get("torch")
    if case.observed.torch_cuda:
        return Built(case.observed.torch_cuda)
    if case.observed.torch_cpu:
        return None
    if pin is None:
        return None
    if pin.flavour:
        cuda = Cuda.from_tag(pin.flavour)
        return Built(cuda) if cuda else None
    if case.build:
        return Built(case.build.cuda, (case.build.evidence,)) if case.build.cuda else None
    old = load_tokens().torches.get(pin.release)
    from_pypi = (
        case.observed.installer in ("", "pip", "poetry", "uv")
        and not pin.version.local
        and "cudatoolkit" not in case.stack
    )
    if old and from_pypi and case.host.platform.value == "linux-x86_64":
        return Built(old.cuda, (old.evidence,))
    return None


def floor_of(cuda: Cuda, case: Case) -> DriverVersion | None:
    """The oldest driver for builds of this CUDA; None where neither file knows it."""
    floor = driver_floor(cuda, case.system, case.matrix)
    if floor is None:
        old = load_tokens().cudas.get(cuda)
        floor = old.drivers.get(case.system) if old else None
    return floor


def offers(driver: DriverVersion, case: Case) -> Cuda | None:
    """The CUDA that a driver of this branch was made with, and shows where no compat library lies over it."""
    releases = {**load_tokens().cudas, **case.matrix.cudas}
    fitting = [
        cuda
        for cuda, release in releases.items()
        if (made := release.drivers.get(case.system)) and made.major <= driver.major
    ]
    return max(fitting, default=None)


def runs_offered(offered: Cuda, built: Cuda, matrix: Matrix) -> bool:
    """Whether a driver that offers one CUDA runs builds of another: by major where the matrix has a family of it,
    which began with minor-version compatibility; by release before."""
    if built.major in matrix.families and built.major >= min(matrix.families):
        return offered.major >= built.major
    return offered >= built


@lru_cache(maxsize=4)
def _targets(matrix: Matrix) -> dict[Capability, tuple[Cuda | None, Cuda | None]]:
    rows = matrix.tables["capability"]
    return {
        Capability.parse(row["capability"]): (
            Cuda.parse(row["first-cuda"]) if "first-cuda" in row else None,
            Cuda.parse(row["last-cuda"]) if "last-cuda" in row else None,
        )
        for row in rows
    }


def toolkit_reaches(cuda: Cuda, capability: Capability, matrix: Matrix) -> bool:
    """Whether any machine code that a toolkit writes runs on a capability: its own, or a lower one of its major."""
    targets = _targets(matrix)
    last = targets.get(capability, (None, None))[1]
    if last is not None and cuda > last:
        return False
    if targets and capability < min(targets):
        return False
    firsts = [
        first
        for other, (first, _) in targets.items()
        if first and other.major == capability.major and other.minor <= capability.minor
    ]
    return not firsts or cuda >= min(firsts)


def toolkit_knows(cuda: Cuda, capability: Capability, matrix: Matrix) -> bool:
    """Whether the toolkit, and so its cuDNN and cuBLAS, was made when this capability was known."""
    first = _targets(matrix).get(capability, (None, None))[0]
    return first is None or cuda >= first


def is_datacenter(gpu: Gpu, matrix: Matrix) -> bool | None:
    """Whether forward compatibility is open to a GPU; None where its name tells nothing."""
    lower = gpu.name.lower()
    if any(word in lower for word in ("geforce", "gtx", "rtx", "titan", "quadro")):
        return False
    kinds = {row.kind for row in matrix.gpus if row.name.lower().endswith(lower)}
    return kinds == {"datacenter"} if kinds else None
