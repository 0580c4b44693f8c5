"""How much a smoke run is asked, and its answer in words and as JSON, for smoke and prove."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import click

from compatmatrix.errors import UsageError
from compatmatrix.model.host import Host
from compatmatrix.model.proof import SmokeResult, Status
from compatmatrix.prove.report import BenchTable
from compatmatrix.prove.smoke import BENCH_SECONDS, DEVICES, SEED, TIMEOUTS, SmokeRun

EPOCHS = 10
"""How many epochs the last table of the bench is about; measured is one."""

F = TypeVar("F", bound=Callable[..., Any])

_MARKS = {Status.PASS: ("pass", "green"), Status.FAIL: ("FAIL", "red"), Status.SKIP: ("skip", "cyan")}


class LevelOptions(NamedTuple):
    """How much is asked. timeout: seconds, None for the level's own."""

    level: str
    device: str
    timeout: float | None
    seed: int

    def seconds(self, bench: bool = False) -> float:
        """The time limit; the bench of a CPU and a GPU has its own time on top."""
        return self.timeout or TIMEOUTS[self.level] + (4 * BENCH_SECONDS if bench else 0)

    def words(self) -> list[str]:
        """As options on the command line, those of the defaults left out."""
        words = [] if self.level == "default" else [f"--{self.level}"]
        words += [] if self.device == "auto" else ["--device", self.device]
        words += [] if self.timeout is None else ["--timeout", f"{self.timeout:g}"]
        return words + ([] if self.seed == SEED else ["--seed", str(self.seed)])


_LEVEL_OPTIONS = [
    click.option("--quick", is_flag=True, help="Seconds after the imports: does it train at all?"),
    click.option("--full", is_flag=True, help="Also a resnet, torch.compile, every GPU, several processes."),
    click.option(
        "--device", type=click.Choice(list(DEVICES)), default="auto", show_default=True, help="Where to train."
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=1),
        metavar="SECONDS",
        help="For all of the training, by default {quick:.0f}, {default:.0f} or {full:.0f}.".format(**TIMEOUTS),
    ),
    click.option(
        "--seed", type=click.IntRange(0, 2**31 - 1), default=SEED, show_default=True, help="Of all randomness."
    ),
]


def level_options(function: F) -> F:
    """Add the options of how much is asked; the command gets them as one LevelOptions in `how`."""

    @wraps(function)
    def wrapped(*args: Any, **values: Any) -> Any:
        quick, full = values.pop("quick"), values.pop("full")
        if quick and full:
            raise UsageError("--quick together with --full: which of them?")
        level = "quick" if quick else "full" if full else "default"
        rest = [values.pop(name) for name in ("device", "timeout", "seed")]
        return function(*args, how=LevelOptions(level, *rest), **values)

    for option in reversed(_LEVEL_OPTIONS):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[return-value]


def print_probes(result: SmokeResult) -> None:
    """One line a probe, then the verdict; the child's last output only on trouble."""
    width = max((len(probe.name) for probe in result.probes), default=0)
    for probe in result.probes:
        mark, colour = _MARKS[probe.status]
        code = f" [{probe.code}]" if probe.code else ""
        click.echo(
            f"{click.style(mark, fg=colour)}  {probe.name:{width}}  {probe.seconds:6.2f} s  {probe.detail}{code}"
        )
        for said in probe.warnings:
            click.secho(f"{'':{width + 16}}warned: {said}", fg="yellow")
    if result.failure:
        click.secho(f"failure: {result.failure}", fg="red")
    if not result.passed and result.output_tail:
        click.secho("last output:", dim=True)
        for line in result.output_tail.splitlines():
            click.secho(f"  {line}", dim=True)
    verdict = f"{result.level} on {result.device}" if result.passed else "not proven"
    click.secho(f"{verdict}, {result.seconds:.1f} s", fg="green" if result.passed else "red", bold=True)


def print_bench(tables: Sequence[BenchTable]) -> None:
    """A table for each device, and what it answers."""
    for table in tables:
        click.secho(f"bench on {table.device}: epochs of {table.images} images", bold=True)
        click.echo("   batch    step ms   epoch ms  Learner epoch ms   images/s   peak MiB")
        for row in table.rows:
            learner = "-" if row.learner_ms is None else f"{row.learner_ms:.1f}"
            peak = "-" if row.peak_mib is None else f"{row.peak_mib:.1f}"
            times = f"{row.batch:8}  {row.step_ms:9.2f}  {row.epoch_ms:9.1f}  {learner:>16}"
            click.echo(f"{times}  {row.images_per_s:9.0f}  {peak:>9}")
        click.echo(f"larger batches pay up to {table.best}; ended because {table.ended}")
    if tables:
        _print_epochs(tables)


def _print_epochs(tables: Sequence[BenchTable]) -> None:
    """One line a device, one column a batch size: what several epochs take, side by side."""
    sizes = sorted({row.batch for table in tables for row in table.rows})
    width = max(len(table.device) for table in tables)
    click.secho(f"milliseconds for {EPOCHS} epochs of {tables[0].images} images, by batch size", bold=True)
    click.echo(f"{'':{width}}" + "".join(f"{size:>10}" for size in sizes))
    for table in tables:
        times = {row.batch: row.epoch_ms * EPOCHS for row in table.rows}
        cells = "".join(f"{times[size]:>10.0f}" if size in times else f"{'-':>10}" for size in sizes)
        click.echo(f"{table.device:{width}}{cells}")


def smoke_to_dict(command: str, run: SmokeRun, host: Host) -> dict[str, Any]:
    """As in the JSON contract of smoke and prove."""
    result = run.result
    return {
        "schema": 1,
        "command": command,
        "passed": result.passed,
        "level": str(result.level),
        "device": result.device,
        "probes": [probe.to_dict() for probe in result.probes],
        "failure": result.failure or None,
        "seconds": round(result.seconds, 3),
        "lock": None,
        "record": None,
        "host": host.to_dict(),
        "stack": dict(result.versions),
        "report": run.report.to_dict(),
    }
