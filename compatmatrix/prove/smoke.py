"""Train a little in the target's own interpreter, and say probe by probe what worked."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from compatmatrix.errors import BadInput, ToolFailed, UsageError
from compatmatrix.model.proof import Probe, SmokeResult, Status
from compatmatrix.process import Finished, run
from compatmatrix.prove.answer import SCHEMA, Answer, read_answer
from compatmatrix.prove.report import Report

PAYLOAD = Path(__file__).parent / "payload" / "smoke_payload.py"
LEVELS = ("quick", "default", "full")
DEVICES = ("auto", "cpu", "cuda")
SEED = 42
TIMEOUTS = {"quick": 300.0, "default": 600.0, "full": 1800.0}
"""Seconds for all of a run where nothing else is said."""

BENCH_IMAGES = 4096
BENCH_SECONDS = 60.0
"""Bound of the bench for each device, past which only the sizes that are always measured follow."""

_ROOM = "free some space, or name another place with TMPDIR"
_TAIL_LINES = 200
_POLL = 0.2

# What the end by a signal usually means, and the finding code where there is one.
_SIGNALS = {
    "SIGKILL": ("likely out of memory", "other"),
    "SIGILL": ("the build uses instructions that this processor does not have", "platform-unsupported"),
    "SIGSEGV": ("a library crashed", "other"),
    "SIGBUS": ("shared memory or disk may be full", "other"),
    "SIGABRT": ("a library gave up", "other"),
}


class SmokeRun(NamedTuple):
    """The verdict of a smoke run, and what it measured on the way."""

    result: SmokeResult
    report: Report


def smoke(
    python: Path,
    *,
    device: str = "auto",
    timeout: float = 600.0,
    level: str = "default",
    seed: int = SEED,
    probes: Sequence[str] | None = None,
    progress: Callable[[str], None] | None = None,
    inject: str | None = None,
) -> SmokeResult:
    """The verdict of `run_smoke`, which takes the same options."""
    options = {"device": device, "level": level, "seed": seed, "inject": inject}
    return run_smoke(python, timeout=timeout, probes=probes, progress=progress, **options).result  # type: ignore[arg-type]


def run_smoke(
    python: Path,
    *,
    device: str = "auto",
    timeout: float = 600.0,
    level: str = "default",
    seed: int = SEED,
    probes: Sequence[str] | None = None,
    bench: bool = False,
    progress: Callable[[str], None] | None = None,
    inject: str | None = None,
) -> SmokeRun:
    """Run the payload in an interpreter, in a temporary folder that is always removed.

    device: "auto", "cpu" or "cuda". timeout: seconds for all of it. level: "quick", "default" or "full".
    probes: only these and what they stand on. bench: measure epochs over batch sizes as well. progress: told each step,
    from another thread. inject: a fault for tests, see the payload. A crash, a time limit and a broken answer are
    results that did not pass, with all that was known by then. Raises ToolFailed where the payload could not be
    started, UsageError for an unknown option or probe.
    """
    if device not in DEVICES or level not in LEVELS or timeout <= 0:
        raise UsageError(f"smoke: no such device, level or time limit: {device}, {level}, {timeout:g}")
    try:
        with tempfile.TemporaryDirectory(prefix="compatmatrix-smoke-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            (folder / "work").mkdir()
            question = {
                "schema": SCHEMA,
                "work_dir": str(folder / "work"),
                "device": device,
                "seed": seed,
                "level": level,
                "probes": list(probes) if probes is not None else None,
                "bench": {"images": BENCH_IMAGES, "seconds": BENCH_SECONDS} if bench else None,
                "dump_after": timeout - min(5.0, timeout / 4),
                "inject": inject,
            }
            (folder / "question.json").write_text(json.dumps(question), encoding="utf-8")
            files = (str(folder / "question.json"), str(folder / "answer.json"))
            # -I: nothing of ours, of the user's site or of the current folder; -B: nothing written beside the stack.
            # Absolute, because the child starts in another folder; not resolved, because a link may be a whole stack.
            program = str(python.absolute() if python.exists() else python)
            argv = (program, "-I", "-B", "-X", "faulthandler", str(PAYLOAD), *files)
            with _told(folder / "answer.json", progress):
                finished = run(argv, timeout=timeout, env=child_environment(), cwd=folder)
            return _judge(finished, python, folder / "answer.json")
    except OSError as error:
        raise ToolFailed(
            f"smoke: temporary folder: {error.strerror or error}",
            hint=_ROOM,
        ) from error


def child_environment() -> dict[str, str]:
    """Our environment without what is about our own Python. LD_LIBRARY_PATH and the like stay: they are facts."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON") and key != "VIRTUAL_ENV"}


def _judge(finished: Finished, python: Path, path: Path) -> SmokeRun:
    """The result, from how the child ended and what it had written by then."""
    broken = ""
    try:
        answer = read_answer(path)
    except BadInput as error:
        answer, broken = None, str(error.problems[0])
    tail = _tail(finished, answer)
    complete = answer is not None and answer.done
    died = finished.status is not None and finished.status < 0
    if complete and not died and not finished.timed_out:
        assert answer is not None
        whole = SmokeResult(answer.probes, answer.device, answer.versions, finished.seconds, "", tail)
        return SmokeRun(whole, answer.report)
    if answer is None and not broken and not died and not finished.timed_out:
        said = [line.strip() for line in tail.splitlines() if line.strip()]
        if said and said[-1].startswith("unknown probes: "):
            raise UsageError(f"smoke: {said[-1]}")
        words = ": ".join([f"{python}: the smoke run did not start", finished.describe(), " | ".join(said[-3:])])
        full = "No space left" in tail
        raise ToolFailed(words.removesuffix(": "), hint=_ROOM if full else "name a Python 3.7 or later with --python")
    failure, code = _failure(finished, broken, tail)
    if answer is None:
        return SmokeRun(SmokeResult((), "unknown", (), finished.seconds, failure, tail), Report())
    if answer.running:
        failure += f", in probe {answer.running}"
    elif complete:
        failure += ", after the last probe"
    rows = _rows(answer, failure, code, finished.seconds)
    result = SmokeResult(rows, answer.device, answer.versions, finished.seconds, failure, tail)
    return SmokeRun(result, answer.report)


def _failure(finished: Finished, broken: str, tail: str) -> tuple[str, str]:
    """Why there is no complete answer, in words, and the finding code."""
    if finished.timed_out:
        return f"time limit: {finished.describe()}", "other"
    if finished.status is not None and finished.status < 0:
        meaning, code = _SIGNALS.get(_signal_name(-finished.status), ("", "other"))
        return finished.describe() + (f" ({meaning})" if meaning else ""), code
    if broken:
        return f"{broken} ({finished.describe()})", "other"
    last = next((line.strip() for line in reversed(tail.splitlines()) if line.strip()), "")
    if "No space left" in tail:
        return f"the disk is full ({_ROOM}): {finished.describe()}: {last}", "other"
    return f"ended early: {finished.describe()}" + (f": {last}" if last else ""), "other"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""


def _rows(answer: Answer, failure: str, code: str, seconds: float) -> tuple[Probe, ...]:
    """The probes that answered, the one that did not, and those that were not reached: none is left out."""
    known = {probe.name for probe in answer.probes}
    spent = sum(probe.seconds for probe in answer.probes)
    rows = list(answer.probes)
    for name in answer.planned:
        if name == answer.running:
            rows.append(Probe(name, Status.FAIL, failure, round(max(0.0, seconds - spent), 3), code))
        elif name not in known:
            rows.append(Probe(name, Status.SKIP, "not reached", 0.0))
    return tuple(rows)


def _tail(finished: Finished, answer: Answer | None) -> str:
    """The end of what was printed, and the tracebacks of the probes that failed."""
    parts = [text.splitlines()[-_TAIL_LINES:] for text in (finished.stdout, finished.stderr) if text.strip()]
    parts += [text.splitlines() for text in (answer.tracebacks if answer else ())]
    return "\n".join(line for part in parts for line in part)


@contextlib.contextmanager
def _told(path: Path, progress: Callable[[str], None] | None) -> Iterator[None]:
    """Tell each probe as the answer grows, while the body waits for the child."""
    if progress is None:
        yield
        return
    over = threading.Event()

    def watch() -> None:
        told = 0
        running = ""
        last = False
        while not last:
            last = over.wait(_POLL)
            with contextlib.suppress(BadInput):
                answer = read_answer(path)
                if answer is None:
                    continue
                for probe in answer.probes[told:]:
                    progress(f"{probe.name}: {probe.status}" + (f", {probe.detail}" if probe.detail else ""))
                told = len(answer.probes)
                if answer.running and answer.running != running:
                    running = answer.running
                    progress(f"{running} …")

    watcher = threading.Thread(target=watch, name="compatmatrix-smoke-progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
