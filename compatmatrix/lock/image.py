"""The lock as a Dockerfile, on the base image that it needs."""

from __future__ import annotations

from importlib.metadata import version

from compatmatrix.emit.container import uses_cuda
from compatmatrix.emit.dockerfile import UV_IMAGE, Base, built, default_base, render_with
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.lock import Lock
from compatmatrix.resolve.images import cuda_image

BASES = ("auto", "slim", "nvidia-base", "nvidia-runtime", "nvidia-devel")


def as_dockerfile(lock: Lock, matrix: Matrix, base: str = "auto", *, smoke: bool = True, beside: bool = False) -> str:
    """The lock on a base image. auto: slim; where a package of a CUDA build has to be compiled, NVIDIA's with nvcc."""
    return render_with(lock, _base(lock, matrix, base), smoke=smoke, beside=beside)


def _base(lock: Lock, matrix: Matrix, base: str) -> Base:
    if base == "auto" and not (built(lock) and uses_cuda(lock.decision)):
        return default_base(lock)
    if base == "slim":
        bare = default_base(lock)
        return bare._replace(image=bare.image if bare.image.endswith("-slim") else f"{bare.image}-slim")
    flavour = "devel" if base == "auto" else base.removeprefix("nvidia-")
    return Base(cuda_image(lock.decision.build, flavour, matrix), python=False, uv=_uv_image())


def _uv_image() -> str:
    """The uv that is used here: it resolved the lock, so it knows the lock's Python."""
    return f"{UV_IMAGE}:{version('uv')}"
