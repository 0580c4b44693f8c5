"""`compatmatrix smoke`: train in the target interpreter."""

from __future__ import annotations

from pathlib import Path

import click

from compatmatrix.atomic import write_atomically
from compatmatrix.cli.options import (
    HostOptions,
    host_options,
    json_option,
    offline_option,
    only_one_host,
    strict_option,
)
from compatmatrix.cli.output import command_line, host_lines, note, print_json, progress
from compatmatrix.cli.probes import LevelOptions, level_options, print_bench, print_probes, smoke_to_dict
from compatmatrix.errors import UsageError
from compatmatrix.model.host import Host
from compatmatrix.model.stack import Stack
from compatmatrix.probe.installed import installed_stack
from compatmatrix.probe.interpreter import Interpreter
from compatmatrix.prove.smoke import SmokeRun, run_smoke


@click.command()
@host_options
@level_options
@click.option("--probe", "probes", multiple=True, metavar="NAME", help="Only this probe and what it stands on.")
@click.option("--bench", is_flag=True, help="Measure epochs over batch sizes as well: do larger batches still pay?")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write a page to look at.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE", help="Write the bench as an SVG.")
@strict_option
@offline_option
@json_option
def command(
    where: HostOptions,
    how: LevelOptions,
    probes: tuple[str, ...],
    bench: bool,
    html: Path | None,
    plot: Path | None,
    strict: bool,
    offline: bool,
    as_json: bool,
) -> int:
    """Train in the target interpreter and report every probe.

    The environment is the active one, ./.venv, or the one named with --python. Synthetic data, fixed seeds, no network.
    Exit status 1 means that a probe failed.
    """
    if plot and not bench:
        raise UsageError("--plot needs --bench: it draws what the bench measures")
    only_one_host(where, "smoke trains on")
    matrix = where.matrix()
    interpreter = where.interpreter()
    progress(f"training with {interpreter.path}")
    run = run_smoke(
        interpreter.path,
        device=how.device,
        timeout=how.seconds(bench),
        level=how.level,
        seed=how.seed,
        probes=probes or None,
        bench=bench,
        progress=progress,
    )
    host = where.host(matrix, interpreter) if as_json or html else None
    if html and host:
        write_atomically(html, _page(run, host, how, interpreter, probes, bench))
    if plot:
        _write_plot(plot, run)
    if as_json and host:
        stack: Stack = installed_stack(interpreter.site_packages, prefix=interpreter.prefix).stack
        print_json({**smoke_to_dict("smoke", run, host), "stack": stack.versions()})
    else:
        click.echo(f"{interpreter.path} ({interpreter.origin})")
        print_probes(run.result)
        print_bench(run.report.bench)
        for path in filter(None, (html, plot if run.report.bench else None)):
            click.echo(f"written: {path}")
    warned = any(probe.warnings for probe in run.result.probes)
    return 0 if run.result.passed and not (strict and warned) else 1


def _page(
    run: SmokeRun, host: Host, how: LevelOptions, interpreter: Interpreter, probes: tuple[str, ...], bench: bool
) -> str:
    from compatmatrix.prove.page.page import Setting, render

    words = ["compatmatrix", "smoke", "--python", str(interpreter.path), *how.words()]
    words += [word for name in probes for word in ("--probe", name)] + (["--bench"] if bench else [])
    return render(run, Setting(tuple(host_lines(host)), command_line(words), how.level, how.seed))


def _write_plot(path: Path, run: SmokeRun) -> None:
    from compatmatrix.prove.page.page import bench_plot

    if run.report.bench:
        write_atomically(path, bench_plot(run.report.bench))
    else:
        note(f"{path} is not written: the bench measured nothing")
