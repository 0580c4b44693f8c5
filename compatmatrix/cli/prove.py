"""`compatmatrix prove`: lock, install, train, record."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from compatmatrix.atomic import write_atomically
from compatmatrix.cli.decide_options import (
    DecideOptions,
    decide_options,
    proofs_folder,
    say_host,
    say_refusal,
    shipped_proofs,
)
from compatmatrix.cli.lock_text import hold_back, no_lock
from compatmatrix.cli.options import HostOptions, host_options, json_option, offline_option, strict_option
from compatmatrix.cli.output import command_line, note, print_json, progress
from compatmatrix.cli.probes import LevelOptions, level_options, print_probes, smoke_to_dict
from compatmatrix.emit import load
from compatmatrix.errors import BadInput
from compatmatrix.lock.access import Access
from compatmatrix.lock.make import make_lock
from compatmatrix.model.decision import Decision
from compatmatrix.model.lock import Lock
from compatmatrix.prove.environment import make_environment
from compatmatrix.prove.record import digest, make_record, write_record
from compatmatrix.prove.smoke import run_smoke
from compatmatrix.resolve.decide import Refusal


@click.command()
@decide_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("proof"),
    show_default=True,
    help="The folder for requirements.txt, proof.json and the environment.",
)
@click.option("--venv", type=click.Path(path_type=Path), help="Where the environment goes, by default below --output.")
@click.option(
    "--attest",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the in-toto statement here as well, for a tool that signs it.",
)
@level_options
@click.option("--fresh", is_flag=True, help="Resolve anew even where a trained lock was shipped.")
@click.option("--index-url", help="The base package index, instead of uv's or pip's own setting.")
@host_options
@strict_option
@offline_option
@json_option
def command(
    asked: DecideOptions,
    output: Path,
    venv: Path | None,
    attest: Path | None,
    how: LevelOptions,
    fresh: bool,
    index_url: str | None,
    where: HostOptions,
    strict: bool,
    offline: bool,
    as_json: bool,
) -> int:
    """Lock, install with hashes into a fresh environment, train, record the proof.

    Leaves a folder with requirements.txt, the environment that was trained in, and proof.json, an in-toto statement.
    Exit status 1 means that nothing fits or that a probe failed.
    """
    matrix = where.matrix()
    interpreter = where.interpreter() if where.python or where.python_version is None else None
    question = asked.question(where, matrix, interpreter)
    python = interpreter.path if interpreter else str(where.python_version)
    say_host(question.host)
    access = Access(offline, index_url, None if fresh else proofs_folder())
    made = make_lock(question, matrix, shipped_proofs(), access, progress=progress, interpreter=_builder(python))
    if isinstance(made, Refusal):
        say_refusal(made, question, matrix)
        if as_json:
            print_json({**no_lock("prove", made, matrix), "passed": False, "host": question.host.to_dict()})
        return 1
    if strict:
        hold_back(made.decision, matrix)
    for sentence in made.decision.notes:
        note(sentence)
    text = load("requirements").render(made)
    _make_folder(output)
    write_atomically(output / "requirements.txt", text)
    environment = venv or output / "venv"
    target = make_environment(text, python, environment, default_index=index_url, progress=progress)
    progress("training")
    device = _device(how.device, made.decision)
    run = run_smoke(target, device=device, timeout=how.seconds(), level=how.level, seed=how.seed, progress=progress)
    result = run.result
    record = make_record(
        text,
        result,
        question.host,
        build=made.decision.build,
        index=made.decision.index,
        matrix_digest=matrix.digest,
        seed=how.seed,
        run_level=how.level,
        report=run.report,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    for path in filter(None, (output / "proof.json", attest)):
        write_record(path, record)
    if as_json:
        found = smoke_to_dict("prove", run, question.host)
        print_json({**found, "lock": f"sha256:{digest(text)}", "record": str(output / "proof.json")})
    else:
        print_probes(result)
        _say_where(made, output, environment)
    warned = any(probe.warnings for probe in result.probes)
    return 0 if result.passed and not (strict and warned) else 1


def _builder(python: Path | str) -> str | None:
    """What builds a package that has no wheel: the target's interpreter where we know it."""
    return str(python) if isinstance(python, Path) else None


def _device(wanted: str, decision: Decision) -> str:
    """Where to train: a CUDA build on a GPU that is here must use it, or the proof would be of something else."""
    here = decision.host.has_gpu and decision.host.gpus.origin not in ("given", "host files")
    return "cuda" if wanted == "auto" and here and decision.build != "cpu" else wanted


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}", hint="name another folder with --output") from error


def _say_where(made: Lock, output: Path, environment: Path) -> None:
    click.echo(f"locked:  {output / 'requirements.txt'} ({len(made.packages)} packages)")
    click.echo(f"proof:   {output / 'proof.json'}")
    click.echo(f"use it:  {command_line(['source', str(environment / 'bin' / 'activate')])}")
