"""Smoke runs against real child processes. The interpreter of these tests has no torch, which is a case of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from compatmatrix.errors import ToolFailed, UsageError
from compatmatrix.model.proof import ProofLevel, SmokeResult, Status
from compatmatrix.prove.smoke import smoke

ME = Path(sys.executable)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends by signals and scripts as interpreters")


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders go, so that a test can see whether one is left."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def no_torch(tmp_path: Path) -> Path:
    """An interpreter that surely has no torch: a bare virtual environment."""
    folder = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


def statuses(result: SmokeResult) -> set[tuple[str, Status]]:
    return {(probe.name, probe.status) for probe in result.probes}


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_without_torch_the_imports_fail_and_the_rest_says_why_it_is_skipped(no_torch: Path, scratch: Path) -> None:
    result = smoke(no_torch, timeout=60)
    first, *others = result.probes
    assert (first.name, first.status, first.code) == ("imports", Status.FAIL, "other")
    assert first.detail == "import torch: ModuleNotFoundError: No module named 'torch'"
    assert {(probe.status, probe.detail) for probe in others} == {(Status.SKIP, "stands on imports, which failed")}
    assert (result.failure, result.passed, result.level) == ("", False, ProofLevel.RESOLVED)
    assert "Traceback" in result.output_tail
    assert list(scratch.iterdir()) == []


def test_what_belongs_to_our_own_python_does_not_reach_the_target(
    no_torch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise SystemExit('the wrong torch')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert smoke(no_torch, timeout=60).probes[0].detail.endswith("No module named 'torch'")


def test_nothing_is_written_at_home_or_beside_the_payload(
    no_torch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    before = sorted(no_torch.parent.parent.rglob("*"))
    smoke(no_torch, timeout=60)
    assert list(home.iterdir()) == []
    assert sorted(no_torch.parent.parent.rglob("*")) == before


@pytest.mark.parametrize(
    ("fault", "words", "code"),
    [
        ("crash", "killed by SIGSEGV (a library crashed), in probe imports", "other"),
        ("kill", "killed by SIGKILL (likely out of memory), in probe imports", "other"),
    ],
)
def test_a_crash_is_told_with_its_signal_and_probe(fault: str, words: str, code: str, scratch: Path) -> None:
    result = smoke(ME, timeout=60, inject=fault)
    first, *others = result.probes
    assert result.failure == words
    assert (first.name, first.status, first.code) == ("imports", Status.FAIL, code)
    assert {(probe.status, probe.detail) for probe in others} == {(Status.SKIP, "not reached")}
    assert not result.passed
    assert list(scratch.iterdir()) == []


def test_a_processor_that_lacks_an_instruction(tmp_path: Path) -> None:
    result = smoke(script(tmp_path / "python", "kill -ILL $$"), timeout=60)
    assert result.failure.startswith("killed by SIGILL (the build uses instructions")
    assert (result.probes, result.passed) == ((), False)


def test_the_time_limit_tells_the_probe_and_where_it_hung(scratch: Path) -> None:
    started = time.monotonic()
    result = smoke(ME, timeout=2, inject="hang")
    assert time.monotonic() - started < 10
    assert result.failure == "time limit: no answer within 2 s, in probe imports"
    assert result.probes[0].status is Status.FAIL
    assert "most recent call first" in result.output_tail
    assert "end_badly" in result.output_tail
    assert list(scratch.iterdir()) == []


def test_a_broken_answer_is_no_answer(scratch: Path) -> None:
    result = smoke(ME, timeout=60, inject="garbage")
    assert result.failure.startswith("unreadable answer of the smoke run: JSONDecodeError")
    assert not result.passed
    assert list(scratch.iterdir()) == []


def test_a_missing_interpreter(tmp_path: Path, scratch: Path) -> None:
    with pytest.raises(ToolFailed, match="No such file") as caught:
        smoke(tmp_path / "nowhere" / "python", timeout=60)
    assert "--python" in caught.value.hint
    assert list(scratch.iterdir()) == []


def test_an_interpreter_may_be_named_from_here(no_torch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(no_torch.parent)
    assert smoke(Path("python"), timeout=60).probes[0].name == "imports"
    monkeypatch.chdir(no_torch.parent.parent)
    assert smoke(Path("bin/python"), timeout=60).probes[0].name == "imports"


@pytest.mark.parametrize(
    ("text", "said"),
    [("exit 0", "exit status 0"), ("echo no such option >&2; exit 2", "no such option"), ("echo {}", "exit status 0")],
)
def test_what_is_not_a_python(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ToolFailed) as caught:
        smoke(script(tmp_path / "python", text), timeout=60)
    assert said in str(caught.value)


def test_a_python_that_dies_halfway_is_told_with_its_last_words(tmp_path: Path) -> None:
    answer = {"schema": 1, "versions": {"torch": "2"}, "device": "cpu", "planned": ["imports", "conv"]}
    answer |= {"running": "conv", "done": False}
    answer["probes"] = [{"name": "imports", "status": "pass", "detail": "", "seconds": 1, "code": None, "error": None}]
    (tmp_path / "answer").write_text(json.dumps(answer))
    text = f"for last; do :; done; cp '{tmp_path}/answer' \"$last\"; echo out of ideas >&2; exit 1"
    result = smoke(script(tmp_path / "python", text), timeout=60)
    assert result.failure == "ended early: exit status 1: out of ideas, in probe conv"
    assert statuses(result) == {("imports", Status.PASS), ("conv", Status.FAIL)}
    assert result.versions == (("torch", "2"),)


def test_two_runs_side_by_side_do_not_disturb_each_other(scratch: Path) -> None:
    results: dict[str, SmokeResult] = {}

    def start(fault: str) -> None:
        results[fault] = smoke(ME, timeout=3, inject=fault)

    threads = [threading.Thread(target=start, args=(fault,)) for fault in ("hang", "crash", "garbage")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "time limit" in results["hang"].failure
    assert "SIGSEGV" in results["crash"].failure
    assert "unreadable" in results["garbage"].failure
    assert list(scratch.iterdir()) == []


def test_progress_is_told_step_by_step(no_torch: Path) -> None:
    told: list[str] = []
    result = smoke(no_torch, timeout=60, progress=told.append)
    assert next(line for line in told if "…" not in line).startswith("imports: fail, import torch")
    assert len([line for line in told if "…" not in line]) == len(result.probes)


def test_an_interrupt_leaves_no_process_and_no_folder(scratch: Path) -> None:
    code = (
        "import sys, tempfile; from pathlib import Path; from compatmatrix.prove.smoke import smoke;"
        "tempfile.tempdir = sys.argv[1];"
        "smoke(Path(sys.executable), inject='hang', progress=lambda line: print(line, flush=True))"
    )
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    child = subprocess.Popen(
        [sys.executable, "-c", code, scratch],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert child.stdout and child.stdout.readline() == "imports …\n"
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=20)
    assert "KeyboardInterrupt" in err
    assert list(scratch.iterdir()) == []
    alive = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(scratch).encode() in read(path)]
    assert alive == []


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("device", "level", "timeout"), [("tpu", "default", 1), ("cpu", "most", 1), ("cpu", "full", 0)]
)
def test_unknown_options_are_refused(device: str, level: str, timeout: float) -> None:
    with pytest.raises(UsageError):
        smoke(ME, device=device, level=level, timeout=timeout)


def test_no_room_for_the_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(ToolFailed, match="temporary folder"):
        smoke(ME, timeout=60)


def test_an_unknown_probe_is_wrong_usage(no_torch: Path) -> None:
    with pytest.raises(UsageError, match="unknown probes: dance"):
        smoke(no_torch, probes=["dance"], timeout=60)


@pytest.mark.parametrize("home", ["/proc/nowhere", "/dev/null", ""])
def test_a_home_that_cannot_be_written_does_not_matter(
    no_torch: Path, home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", home)
    assert smoke(no_torch, timeout=60).probes[0].detail.startswith("import torch: ModuleNotFoundError")


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder on a file system of 1 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("cannot mount a small file system here")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_disk_that_fills_up_is_told(small_disk: Path) -> None:
    result = smoke(ME, timeout=60, inject="fill")
    assert result.failure.startswith("the disk is full (free some space, or name another place with TMPDIR)")
    assert "in probe imports" in result.failure
    assert list(small_disk.iterdir()) == []


def test_a_disk_that_is_full_already_is_told(small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(b"x" * (1 << 20))
    with pytest.raises(ToolFailed) as caught:
        smoke(ME, timeout=60)
    assert "No space left" in str(caught.value)
    assert "TMPDIR" in caught.value.hint
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


@pytest.mark.parametrize("fault", ["crash", "hang"])
def test_no_zombie_is_left(fault: str) -> None:
    smoke(ME, timeout=2, inject=fault)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="looks into /proc")
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_ending_the_command_ends_the_training(scratch: Path, end: signal.Signals) -> None:
    hangs = script(scratch / "python", f"exec '{ME}' -c 'import time; time.sleep(600)' {scratch}/marker")
    code = (
        "import sys, tempfile; from pathlib import Path; from compatmatrix.cli import main;"
        "from compatmatrix.prove.smoke import smoke; import signal; signal.signal(signal.SIGTERM, main._interrupt);"
        "tempfile.tempdir = sys.argv[1]; print('on', flush=True); smoke(Path(sys.argv[1]) / 'python', timeout=60)"
    )
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    child = subprocess.Popen(
        [sys.executable, "-c", code, scratch], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    assert child.stdout and child.stdout.readline() == b"on\n"
    deadline = time.monotonic() + 20
    while not living(f"{scratch}/marker") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert living(f"{scratch}/marker")
    child.send_signal(end)
    child.communicate(timeout=20)
    assert living(f"{scratch}/marker") == []
    assert list(scratch.iterdir()) == [hangs]


def living(text: str) -> list[Path]:
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if text.encode() in read(path)]
