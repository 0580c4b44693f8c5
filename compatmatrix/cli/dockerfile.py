"""`compatmatrix dockerfile`: the lock as a Dockerfile, with what goes beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from compatmatrix.cli.closure_options import ClosureOptions, closure_options
from compatmatrix.cli.decide_options import DecideOptions, decide_options
from compatmatrix.cli.lock_text import Written
from compatmatrix.cli.options import HostOptions, host_options, json_option, offline_option, strict_option
from compatmatrix.cli.output import note, print_json
from compatmatrix.cli.write_lock import write_lock
from compatmatrix.errors import UsageError
from compatmatrix.lock.image import BASES, as_dockerfile
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.model.lock import Lock


@click.command()
@decide_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write to this file, atomically. To a folder: a short Dockerfile, with its lock and scripts beside it.",
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
@strict_option
@offline_option
@json_option
def command(
    asked: DecideOptions,
    output: Path | None,
    base: str,
    smoke: bool,
    compose: bool,
    closure: ClosureOptions,
    where: HostOptions,
    strict: bool,
    offline: bool,
    as_json: bool,
) -> int:
    """The same decision as a Dockerfile.

    The image is slim: the wheels bring CUDA, the host's driver comes in through the NVIDIA container toolkit.
    """
    folder = output if output and output.is_dir() else None
    if compose and folder is None:
        raise UsageError("--compose writes a second file", hint="name a folder that exists with -o")
    beside: dict[str, str] = {}
    answers: list[dict[str, Any]] = []

    def render(lock: Lock, matrix: Matrix) -> str:
        if folder:
            from compatmatrix.emit import load
            from compatmatrix.emit.dockerfile import BESIDE, files_beside

            # Nothing else of the folder goes to the builder.
            beside[".dockerignore"] = f"*\n!{BESIDE}\n"
            beside.update({f"{BESIDE}/{name}": text for name, text in files_beside(lock).items()})
            if compose:
                beside["compose.yaml"] = load("compose").render(lock)
        text = as_dockerfile(lock, matrix, base, smoke=smoke, beside=folder is not None)
        if as_json:
            from compatmatrix.emit.json import lock_to_dict

            answers.append({**lock_to_dict(lock), "command": "dockerfile", "dockerfile": text})
        return text

    how = Written(
        "dockerfile",
        folder / "Dockerfile" if folder else output,
        offline=offline,
        render=render,
        strict=strict,
        command="dockerfile",
        as_json=as_json,
        shown=not as_json,
    )
    status = write_lock(asked, closure, where, how)
    if status == 0 and as_json:
        many = {"schema": 1, "command": "dockerfile", "locks": answers, "unserved": []}
        print_json(answers[0] if len(answers) == 1 else many)
    if status == 0 and folder:
        from compatmatrix.atomic import write_atomically

        for name, text in beside.items():
            (folder / name).parent.mkdir(exist_ok=True)
            write_atomically(folder / name, text)
        note(f"beside it: {', '.join(dict.fromkeys(name.partition('/')[0] for name in beside))}")
    return status
