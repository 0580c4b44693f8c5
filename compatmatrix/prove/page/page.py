"""The page of a smoke run: verdict, probes, curves, memory, a batch, the bench, versions, how to run it again.

Everything that a stack has written is escaped; the page forbids itself scripts and any request.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from compatmatrix.model.proof import ProofLevel, Status
from compatmatrix.prove.page.chart import Axis, Series, chart
from compatmatrix.prove.page.style import CHART, COLOURS, PAGE
from compatmatrix.prove.report import BenchTable, Report
from compatmatrix.prove.smoke import SmokeRun

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_WORDS = {Status.PASS: "✓ pass", Status.FAIL: "✗ fail", Status.SKIP: "- skip"}
_LEVELS = {ProofLevel.TRAINED_CPU: "trained on the CPU", ProofLevel.TRAINED_GPU: "trained on the GPU"}


class Setting(NamedTuple):
    """What the page says around the run. host: lines of words. command: how to run it again."""

    host: tuple[str, ...]
    command: str
    level: str
    seed: int


def render(run: SmokeRun, setting: Setting) -> str:
    """The whole page as HTML. No clock is looked at: the same run gives the same bytes."""
    report = run.report
    title = "This stack trains" if run.result.passed else "This stack is not proven"
    parts = [
        _verdict(run, title),
        _probes(run),
        _figures(report),
        "".join(_bench(number, table) for number, table in enumerate(report.bench)),
        _versions(run, setting),
        f'<h2>Run it again</h2><pre tabindex="0" role="region" aria-label="command">{escape(setting.command)}</pre>'
        f'<p class="faint">Level {escape(setting.level)}, seed {setting.seed}, synthetic data, no network.</p>',
        _output(run),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>compatmatrix: {escape(title.lower())}</title>'
        f"<style>{COLOURS}{PAGE}{CHART}</style></head>\n<body>\n<main>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main>\n</body>\n</html>\n"
    )


def bench_plot(tables: Sequence[BenchTable]) -> str:
    """The bench as an SVG file by itself: images per second over batch sizes, a line for each device."""
    drawing = _throughput("bench", tables)
    return drawing.replace("<title", f"<style>{COLOURS}{CHART}</style><title", 1) + "\n"


def _verdict(run: SmokeRun, title: str) -> str:
    result = run.result
    counts = {status: sum(probe.status is status for probe in result.probes) for status in Status}
    warned = sum(bool(probe.warnings) for probe in result.probes)
    told = f", {warned} warned" if warned else ""
    kind = "pass" if result.passed else "fail"
    sign = "✓" if result.passed else "✗"
    words = _LEVELS.get(result.level, "not proven")
    versions = dict(result.versions)
    stack = ", ".join(f"{name} {versions[name]}" for name in ("fastai", "torch", "torchvision") if name in versions)
    failure = f"<p>{escape(result.failure)}</p>" if result.failure else ""
    failed = [probe for probe in result.probes if probe.status is Status.FAIL]
    reasons = "".join(
        f"<p>{escape(probe.name)}: {escape(probe.detail)}{escape(f' [{probe.code}]' if probe.code else '')}</p>"
        for probe in failed
    )
    return (
        f'<header><p class="faint">compatmatrix smoke</p><h1>{escape(title)}</h1>'
        f'<div class="verdict {kind}"><strong>{sign} {words}</strong><div class="plain">'
        f"<p>{escape(stack or 'no versions known')} on {escape(result.device)}</p>"
        f"<p>{counts[Status.PASS]} probes passed, {counts[Status.FAIL]} failed, {counts[Status.SKIP]} skipped{told}, "
        f"in {result.seconds:.1f} s</p>{failure}{reasons}</div></div></header>"
    )


def _probes(run: SmokeRun) -> str:
    if not run.result.probes:
        return ""
    proves = {told.name: told.proves for told in run.report.told}
    rows = []
    for probe in run.result.probes:
        cause = f'<br><span class="fail">likely cause: {escape(probe.code)}</span>' if probe.code else ""
        cause += "".join(f'<br><span class="skip">warned: {escape(said)}</span>' for said in probe.warnings)
        meaning = f'<br><span class="faint">{escape(proves[probe.name])}</span>' if probe.name in proves else ""
        rows.append(
            f'<tr><td class="status {probe.status}">{_WORDS[probe.status]}</td>'
            f'<th scope="row">{escape(probe.name)}</th><td class="wide">{escape(probe.detail)}{cause}{meaning}</td>'
            f'<td class="number">{probe.seconds:.2f} s</td></tr>'
        )
    return (
        '<section><h2>Probes</h2><table class="cards"><caption>What was asked of the stack, and what it answered.'
        '</caption><thead><tr><th scope="col">Result</th><th scope="col">Probe</th><th scope="col">Seen, and what it '
        'proves</th><th scope="col" class="number">Time</th></tr></thead><tbody>' + "".join(rows) + "</tbody></table>"
        "</section>"
    )


def _figures(report: Report) -> str:
    found = [
        _figure("Loss", _losses(report), "The training's own loss at each batch, and both losses after each epoch."),
        _figure("Metrics", _metrics(report), "After each epoch, on the part of the data that was held back."),
        _figure("Learning rate finder", _rates(report), _suggestion(report)),
        _figure("Memory over time", _memory(report), "Of the whole process, imports included, and of the GPU if used."),
    ]
    if report.batch_png:
        picture = (
            f'<img src="data:image/png;base64,{report.batch_png}" alt="Six small pictures of discs, frames and '
            'crosses on noise, each with its label, as show_batch draws them.">'
        )
        found.append(_figure("A batch", picture, "What show_batch drew of the synthetic pictures."))
    inside = "".join(found)
    return f'<section><h2>Training</h2><div class="figures">{inside}</div></section>' if inside else ""


def _figure(title: str, drawing: str, caption: str) -> str:
    if not drawing:
        return ""
    return f"<figure><h3>{escape(title)}</h3>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def _losses(report: Report) -> str:
    each = max(1.0, len(report.losses) / max(1, len(report.epochs)))
    batches = Series("each batch, smoothed", tuple((float(n), loss) for n, loss in enumerate(report.losses, 1)))
    ends = [
        Series(name, tuple((each * n, row[column]) for n, row in enumerate(report.epochs, 1)), marked=True)
        for column, name in enumerate(report.columns)
        if "loss" in name
    ]
    return chart("loss", "Loss over batches", [batches, *ends], Axis("batch"), Axis("loss", from_zero=True))


def _metrics(report: Report) -> str:
    lines = [
        Series(name, tuple((float(n), row[column]) for n, row in enumerate(report.epochs, 1)), marked=True)
        for column, name in enumerate(report.columns)
        if "loss" not in name
    ]
    ticks = [float(n) for n in range(1, len(report.epochs) + 1)]
    return chart("metrics", "Metrics over epochs", lines, Axis("epoch"), Axis("share", from_zero=True), ticks)


def _rates(report: Report) -> str:
    line = Series("loss", report.lr_find)
    return chart("rates", "Loss over learning rates", [line], Axis("learning rate", log=True), Axis("smoothed"))


def _suggestion(report: Report) -> str:
    return f"Suggested rate: {report.lr_suggested:.2g}." if report.lr_suggested is not None else "No suggestion."


def _memory(report: Report) -> str:
    lines = [
        Series(name, tuple((sample.at, value) for sample in report.memory if (value := sample[place]) is not None))
        for place, name in ((1, "process, resident"), (2, "GPU, allocated"), (3, "GPU, reserved"))
    ]
    return chart("memory", "Memory over time", lines, Axis("seconds"), Axis("MiB", from_zero=True))


def _throughput(identifier: str, tables: Sequence[BenchTable]) -> str:
    lines = [
        Series(table.device, tuple((float(row.batch), row.images_per_s) for row in table.rows), marked=True)
        for table in tables
    ]
    ticks = [float(row.batch) for row in max((table.rows for table in tables), key=len, default=())]
    every = ticks[:: max(1, -(-len(ticks) // 6))]
    axis = Axis("images per second", log=len(tables) > 1, from_zero=True)
    return chart(identifier, "Throughput over batch sizes", lines, Axis("batch size", log=True), axis, every)


def _bench(number: int, table: BenchTable) -> str:
    rows = "".join(
        f'<tr{" class=best" if row.batch == table.best else ""}><th scope="row" class="number">{row.batch}</th>'
        + "".join(
            f'<td class="number">{"-" if value is None else f"{value:,.{digits}f}"}</td>'
            for value, digits in (
                (row.step_ms, 2),
                (row.epoch_ms, 1),
                (row.learner_ms, 1),
                (row.images_per_s, 0),
                (row.peak_mib, 1),
            )
        )
        + "</tr>"
        for row in table.rows
    )
    heads = ("Batch size", "Step, ms", "Epoch, ms", "Learner epoch, ms", "Images per s", "Peak, MiB")
    head = "".join(f'<th scope="col" class="number">{word}</th>' for word in heads)
    plot = _figure("Throughput", _throughput(f"bench{number}", [table]), f"Ended because {table.ended}.")
    return (
        f"<section><h2>Bench: {escape(table.device)}</h2><p>Larger batches pay up to <strong>{table.best}</strong>: no "
        f"larger one is more than 5 % faster. An epoch has {table.images} images.</p>"
        f'<div class="figures">{plot}</div><div class="scroll" tabindex="0" role="region" aria-label="bench of '
        f'{escape(table.device, quote=True)}"><table><caption>Warmed up, the shortest of five repeats.</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _versions(run: SmokeRun, setting: Setting) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(version)}</td></tr>'
        for name, version in run.result.versions
    )
    table = (
        '<table><caption>As the run itself saw them.</caption><thead><tr><th scope="col">Package</th>'
        f'<th scope="col">Version</th></tr></thead><tbody>{rows}</tbody></table>'
    )
    host = "".join(f"<li>{escape(line)}</li>" for line in setting.host)
    return (
        "<section><h2>Host and versions</h2>"
        + (f"<ul>{host}</ul>" if host else "")
        + (table if rows else "")
        + "</section>"
    )


def _output(run: SmokeRun) -> str:
    """The end of what the run printed, on trouble only."""
    if run.result.passed or not run.result.output_tail:
        return ""
    said = escape(run.result.output_tail)
    return f'<h2>Last output</h2><pre tabindex="0" role="region" aria-label="last output">{said}</pre>'
