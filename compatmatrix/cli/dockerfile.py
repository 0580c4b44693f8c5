"""`compatmatrix dockerfile`: the lock as a Dockerfile, with what goes beside it."""

from __future__ import annotations

from pathlib import Path

import click

from compatmatrix.cli.closure_options import ClosureOptions, closure_options
from compatmatrix.cli.decide_options import DecideOptions, decide_options
from compatmatrix.cli.lock import Written, write_lock
from compatmatrix.cli.options import HostOptions, host_options, offline_option
from compatmatrix.emit.dockerfile import Base, built, default_base, render_with
from compatmatrix.errors import UsageError
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.lock import Lock

BASES = ("auto", "slim", "nvidia-base", "nvidia-runtime", "nvidia-devel")


@click.command()
@decide_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write to this file, atomically. In a folder: Dockerfile and .dockerignore.",
)
@click.option(
    "--base",
    type=click.Choice(BASES),
    default="auto",
    show_default=True,
    help="slim: the wheels bring CUDA. auto: slim, or with compilers where a package has no wheel.",
)
@click.option("--smoke/--no-smoke", default=True, help="Train on the CPU while the image is built, or only import.")
@click.option("--compose", is_flag=True, help="With -o FOLDER: compose.yaml as well.")
@closure_options
@host_options
@offline_option
def command(
    asked: DecideOptions,
    output: Path | None,
    base: str,
    smoke: bool,
    compose: bool,
    closure: ClosureOptions,
    where: HostOptions,
    offline: bool,
) -> int:
    """The same decision as a Dockerfile.

    The image is slim: the wheels bring CUDA, the host's driver comes in through the NVIDIA container toolkit.
    """
    folder = output if output and output.is_dir() else None
    if compose and folder is None:
        raise UsageError("--compose writes a second file", hint="name a folder that exists with -o")
    beside: dict[str, str] = {}

    def render(lock: Lock, matrix: Matrix) -> str:
        text = as_dockerfile(lock, matrix, base, smoke=smoke)
        if folder:
            from compatmatrix.emit import load

            # The Dockerfile holds all that it needs, so nothing of the folder goes to the builder.
            beside[".dockerignore"] = "*\n"
            if compose:
                beside["compose.yaml"] = load("compose").render(lock)
        return text

    how = Written("dockerfile", folder / "Dockerfile" if folder else output, offline=offline, render=render)
    status = write_lock(asked, closure, where, how)
    if status == 0 and folder:
        from compatmatrix.cli.lock import write_text

        for name, text in beside.items():
            write_text(text, folder / name)
    return status


def as_dockerfile(lock: Lock, matrix: Matrix, base: str = "auto", *, smoke: bool = True) -> str:
    """The lock on a base image. auto: slim; where a package of a CUDA build has to be compiled, NVIDIA's with nvcc."""
    from compatmatrix.emit.container import uses_cuda
    from compatmatrix.resolve.images import cuda_image

    if base == "auto" and not (built(lock) and uses_cuda(lock.decision)):
        return render_with(lock, default_base(lock), smoke=smoke)
    if base == "slim":
        bare = default_base(lock)
        image = bare.image if bare.image.endswith("-slim") else f"{bare.image}-slim"
        return render_with(lock, bare._replace(image=image), smoke=smoke)
    flavour = "devel" if base == "auto" else base.removeprefix("nvidia-")
    return render_with(lock, Base(cuda_image(lock.decision.build, flavour, matrix), python=False), smoke=smoke)
