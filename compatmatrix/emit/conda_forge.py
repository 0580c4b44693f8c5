"""environment.yml of conda-forge's own builds: the decided versions by their minor, on the decided CUDA major."""

from __future__ import annotations

import json

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from compatmatrix.emit import container
from compatmatrix.emit.conda import HEAD, python_specs, system_specs
from compatmatrix.emit.format import Format
from compatmatrix.emit.header import comment
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.decision import Decision
from compatmatrix.model.lock import Lock

_FAMILY = ("torchvision", "torchaudio", "fastai")


def render(lock: Lock) -> str:
    """An environment without pip's wheels, for people whose other packages come from conda.

    conda-forge builds one or two CUDA releases of a major, so `cuda-version` names the major. The driver has to offer
    that major too: said outright, since not every solver heeds the constraint that `cuda-version` carries.
    `pytorch-gpu` and `pytorch-cpu` choose the build of pytorch by its build string (conda-forge's
    pytorch-cpu-feedstock and cuda-version-feedstock). Not every patch release is built, so versions go by the minor,
    as its own packages pin each other.
    """
    decision = lock.decision
    specs = (*system_specs(lock), *_cuda(decision), *python_specs(lock), *_family(decision), *_others(lock))
    lines = [
        *comment(decision),
        "# conda-forge's own builds of these versions, which were not judged; build and proof above are of the wheels",
        "# where conda-forge lacks a version, decide for an older one: compatmatrix lock -f conda-forge 'torch<…'",
        *HEAD,
        *(f"  - {json.dumps(spec)}" for spec in specs),
    ]
    return "\n".join(lines) + "\n"


def _cuda(decision: Decision) -> list[str]:
    """The CUDA major: of the builds, and of the driver. Where there is no GPU, nothing is asked."""
    cuda = Cuda.from_tag(decision.build)
    return [f"__cuda>={cuda.major}", f"cuda-version={cuda.major}"] if cuda and container.wants_gpu(decision) else []


def _family(decision: Decision) -> list[str]:
    stack = decision.stack
    torch = "pytorch-gpu" if container.wants_gpu(decision) else "pytorch-cpu"
    names = {"torch": torch, **{name: name for name in _FAMILY}}
    return [f"{names[name]}={_minor(stack[name].release.release)}" for name in names if name in stack]


def _minor(release: tuple[int, ...]) -> str:
    return ".".join(map(str, release[:2]))


def _others(lock: Lock) -> list[str]:
    """The user's own requirements, and the matrix's limits on packages that the lock holds. conda has no extras."""
    held = {package.name for package in lock.packages}
    done = {"torch", "python", *_FAMILY}
    wanted = [*lock.decision.requirements, *lock.decision.constraints]
    parsed = [(canonicalize_name(req.name), req) for req in map(Requirement, wanted)]
    return sorted({f"{name}{req.specifier}" for name, req in parsed if name in held and name not in done})


FORMAT = Format("conda-forge", "environment.yml", render)
