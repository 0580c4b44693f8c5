"""`check --report FILE|-`: what people paste, understood and judged."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import click
from packaging.version import Version

from compatmatrix.cli.judged import Judged
from compatmatrix.cli.output import host_lines, print_findings, stack_line
from compatmatrix.errors import BadInput
from compatmatrix.matrix.matrix import Matrix
from compatmatrix.matrix.tokens import load_tokens
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.finding import Place, Severity
from compatmatrix.probe.reports.report import Report, read_report
from compatmatrix.probe.reports.text import MOST_BYTES, decode
from compatmatrix.rules.case import Case, find_build
from compatmatrix.rules.diagnose import Confidence, Diagnosed, Diagnosis, diagnose
from compatmatrix.rules.report_rules import REPORT_RULES


class JudgedReport(NamedTuple):
    """A report and the diagnosis of it; judged is the part that all commands know."""

    judged: Judged
    report: Report
    diagnosis: Diagnosis


def judge_report(path: Path, matrix: Matrix) -> JudgedReport:
    """Read and judge a report; "-" is standard input. Raises BadInput for what is no text."""
    raw, shortened = _read(path)
    judged = judge_text(decode(raw), matrix, str(path))
    if shortened:
        note = f"the report is long: only its first and last {MOST_BYTES // 2 // 1024} KiB were read"
        judged = judged._replace(judged=judged.judged._replace(notes=(*judged.judged.notes, note)))
    return judged


def judge_text(text: str, matrix: Matrix, what: str = "report") -> JudgedReport:
    """Judge the text of a report."""
    report = read_report(text, matrix, load_tokens().tokens.values())
    case = case_of(report, matrix)
    diagnosis = diagnose(case, REPORT_RULES, report.guessed, report.spoken)
    placed = tuple(
        one._replace(finding=one.finding._replace(where=_place(one, report, what))) for one in diagnosis.diagnosed
    )
    diagnosis = diagnosis._replace(diagnosed=placed)
    findings = tuple(one.finding for one in diagnosis.diagnosed)
    return JudgedReport(Judged(what, report.stack, report.host, findings, report.notes), report, diagnosis)


def _place(one: Diagnosed, report: Report, what: str) -> Place | None:
    """The line of a finding: of the error text that speaks for it, else of the first of its packages or facts."""
    lines = _lines(one, report)
    return Place(what, lines[0]) if lines else None


def _lines(one: Diagnosed, report: Report) -> list[int]:
    """Where a finding is to be seen: the error texts that speak for it, else what it was concluded from."""
    origins = [report.stack[name].origin for name in one.finding.packages if name in report.stack]
    origins += [getattr(report.host, fact).origin for fact in _DECIDING.get(one.finding.code, ())]
    found = [sign.line for sign in one.signs] or [int(match[1]) for text in origins if (match := _LINE.match(text))]
    return list(dict.fromkeys(found))


_LINE = re.compile(r"line (\d+)")
_DECIDING = {
    "driver-too-old": ("driver", "driver_cuda", "gpus"),
    "arch-missing": ("gpus",),
    "cpu-build-on-gpu": ("gpus",),
    "container-driver": ("driver", "driver_cuda"),
    "python-unsupported": ("python",),
    "platform-unsupported": ("platform",),
    "glibc-too-old": ("libc",),
}
"""The facts of the host that a finding rests on, the most telling first."""


def case_of(report: Report, matrix: Matrix) -> Case:
    """The case of a report. conda's builds are not PyPI's: without a stated CUDA, such a torch has no known build.

    Where conda's CUDA libraries are there, of another CUDA than PyPI's wheel, the torch beside them is conda's.
    """
    pin, platform = report.stack.get("torch"), report.host.platform.value
    build = None
    if pin and platform and not (report.observed.installer == "conda" and pin.flavour is None):
        build = find_build(pin, platform, matrix)
    toolkit = report.stack.release("cudatoolkit")
    if pin and pin.flavour is None and build and build.cuda and toolkit and not _is_of(build.cuda, toolkit):
        build = None
    return Case(report.stack, report.host, matrix, build, report.observed)


def _is_of(cuda: Cuda, toolkit: Version) -> bool:
    return toolkit.release[:2] == (cuda.major, cuda.minor)


def show_report(judged: JudgedReport, verdict: str) -> None:
    """What was understood, line by line; the findings; how sure it is; what to ask for."""
    report, diagnosis = judged.report, judged.diagnosis
    click.echo(f"{judged.judged.what}: {stack_line(report.stack)}")
    for line in host_lines(report.host):
        click.secho(f"  {line}", dim=True)
    if report.understood:
        click.echo("understood:")
        for number, fact, value in report.understood[:60]:
            click.secho(f"  line {number}: {fact} {value}", dim=True)
        if len(report.understood) > 60:
            click.secho(f"  and {len(report.understood) - 60} more (--json shows all)", dim=True)
    if report.not_known:
        click.echo("not known:")
        for number, text in report.not_known:
            click.secho(f"  line {number}: {text}", dim=True)
    for note in (*judged.judged.notes, *(f"{guess}" for guess in report.guessed)):
        click.echo(f"note: {note}")
    for one in diagnosis.diagnosed:
        print_findings([one.finding])
        if one.finding.severity is Severity.ERROR:
            lines = list(map(str, sorted(_lines(one, report))))
            seen = f", seen in line {', '.join(lines)}" if lines else ""
            click.secho(f"  confidence: {one.confidence}{seen}", dim=True)
    if diagnosis.ask_next:
        click.echo(f"ask next for {diagnosis.ask_next}")
    colour = {"compatible": "green", "incompatible": "red"}.get(verdict, "cyan")
    sure = "" if verdict == "unknown" else f" ({diagnosis.confidence})"
    click.secho(f"{verdict}{sure}", fg=colour, bold=True)


def verdict_of(judged: JudgedReport) -> str:
    """The contract's verdict. A report of which nothing was understood is unknown, and so is an open question."""
    severities = {finding.severity for finding in judged.judged.findings}
    if Severity.ERROR in severities:
        return "incompatible"
    return "compatible" if judged.diagnosis.confidence is not Confidence.UNKNOWN else "unknown"


def report_to_dict(judged: JudgedReport, verdict: str) -> dict[str, Any]:
    """The JSON of check, with how sure it is, what to ask for, and what was understood."""
    findings = [
        {**one.finding.to_dict(), "confidence": str(one.confidence), "lines": sorted(_lines(one, judged.report))}
        for one in judged.diagnosis.diagnosed
    ]
    return {
        "schema": 1,
        "command": "check",
        "verdict": verdict,
        "confidence": str(judged.diagnosis.confidence),
        "ask_next": judged.diagnosis.ask_next or None,
        "findings": findings,
        "stack": judged.report.stack.to_dict(),
        "host": judged.report.host.to_dict(),
        "understood": [{"line": line, "fact": fact, "value": value} for line, fact, value in judged.report.understood],
        "not_known": [{"line": line, "text": text} for line, text in judged.report.not_known],
        "notes": [*judged.judged.notes, *judged.report.guessed],
        "repair": None,
    }


def _read(path: Path) -> tuple[bytes, bool]:
    """The first and the last half of what may be read. Of a stream, no more than a bounded part is looked at."""
    half = MOST_BYTES // 2
    try:
        if str(path) == "-":
            return _head_and_tail(sys.stdin.buffer, half)
        with path.open("rb") as file:
            return _head_and_tail(file, half)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from error


_MOST_STREAM = 1 << 27


def _head_and_tail(file: Any, half: int) -> tuple[bytes, bool]:
    head = file.read(2 * half)
    tail, total = b"", len(head)
    while chunk := file.read(1 << 20):
        total += len(chunk)
        tail = (tail + chunk)[-half:]
        if total > _MOST_STREAM:
            break
    return (head[:half] + b"\n" + tail, True) if tail else (head, False)
