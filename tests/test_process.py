"""The door to child processes, with real children."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from compatmatrix.process import Finished, run

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX signals and process groups")


def python(code: str, timeout: float = 20.0, **options: object) -> Finished:
    return run([sys.executable, "-I", "-c", code], timeout=timeout, **options)  # type: ignore[arg-type]


def test_streams_and_status() -> None:
    done = python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (done.status, done.stdout.strip(), done.stderr.strip()) == (3, "out", "err")
    assert not done.ok
    assert done.describe() == "exit status 3"


def test_a_good_end_is_ok() -> None:
    assert python("pass").ok


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    done = python("import sys; sys.stdout.buffer.write(b'a\\xff\\x00b')")
    assert done.stdout == "a\ufffd\x00b"


def test_a_missing_program_is_an_answer() -> None:
    done = run(["/no/such/program"], timeout=1)
    assert done.status is None
    assert "/no/such/program" in done.describe()
    assert not done.ok


@posix
def test_a_hanging_child_is_killed_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    code = (
        "import subprocess, sys, time\n"
        f'inner = "import time, pathlib; time.sleep(2); pathlib.Path({str(mark)!r}).touch()"\n'
        "subprocess.Popen([sys.executable, '-I', '-c', inner])\n"
        "print('begun', flush=True)\n"
        "time.sleep(60)\n"
    )
    started = time.monotonic()
    done = python(code, timeout=1.0)
    assert done.timed_out
    assert done.stdout == "begun\n"
    assert "no answer within" in done.describe()
    assert time.monotonic() - started < 6
    time.sleep(2.2)
    assert not mark.exists()


@posix
def test_a_signal_is_named() -> None:
    done = python("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert done.describe() == "killed by SIGSEGV"


def test_a_flood_is_stopped() -> None:
    started = time.monotonic()
    done = python("while True: print('x' * 1000)", max_output=100_000)
    assert not done.ok
    assert "more than 100000 bytes on stdout" in done.describe()
    assert len(done.stdout) <= 100_000
    assert time.monotonic() - started < 10


def test_much_on_both_streams_does_not_block() -> None:
    code = "import sys\nfor _ in range(2000):\n print('o' * 200)\n print('e' * 200, file=sys.stderr)"
    done = python(code)
    assert done.ok
    assert len(done.stdout) == len(done.stderr) == 2000 * 201


@posix
def test_an_interrupt_that_comes_while_a_child_starts_ends_it() -> None:
    """The signal is there before the child is: it is held back until the child can be ended with it."""
    code = (
        "import os, signal, subprocess, sys\n"
        "from compatmatrix.process import run\n"
        "class Popen(subprocess.Popen):\n"
        "    def __init__(self, *args, **options):\n"
        "        super().__init__(*args, **options)\n"
        "        print(self.pid, flush=True)\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "subprocess.Popen = Popen\n"
        "try:\n"
        "    run([sys.executable, '-I', '-c', 'import time; time.sleep(60)'], timeout=60)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted', flush=True)\n"
    )
    path = os.pathsep.join([str(Path(__file__).resolve().parent.parent), *filter(None, sys.path)])
    done = run([sys.executable, "-c", code], timeout=30, env={**os.environ, "PYTHONPATH": path})
    pid, _, rest = done.stdout.partition("\n")
    assert rest.strip() == "interrupted", done
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
