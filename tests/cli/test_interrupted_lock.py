"""Three writers at once, interrupted at any moment, never leave a broken file."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2]
HOST = ["--no-gpu", "--platform", "linux-x86_64", "--python-version", "3.12", "--glibc", "2.36"]


def start(target: Path) -> subprocess.Popen[bytes]:
    environ = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    # -U: what stands in the file does not count, so that every whole answer has the same bytes.
    command = [sys.executable, "-m", "compatmatrix", "lock", "--offline", "-U", "-o", str(target), *HOST]
    # An interrupt that the parent ignores would be ignored by the child as well.
    return subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=target.parent)


def end(writer: subprocess.Popen[bytes]) -> int:
    """The exit status. Python itself, interrupted before any of our code ran, dies of the signal or ends with 1."""
    _, said = writer.communicate(timeout=60)
    return -signal.SIGINT if writer.returncode == 1 and b"import site" in said else writer.returncode


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_three_interrupted_writers_never_break_the_file(tmp_path: Path) -> None:
    target = tmp_path / "requirements.txt"
    whole = start(target)
    assert end(whole) == 0
    expected = target.read_bytes()
    assert b"--hash=sha256:" in expected
    rng = random.Random(20261121)
    ends = set()
    for _ in range(5):
        target.write_bytes(b"the old file\n")
        writers = [start(target) for _ in range(3)]
        for writer in writers:
            time.sleep(rng.uniform(0.0, 0.25))
            writer.send_signal(rng.choice([signal.SIGINT, signal.SIGTERM]))
        ends |= {end(writer) for writer in writers}
        assert target.read_bytes() in (b"the old file\n", expected)
        assert [path.name for path in tmp_path.iterdir()] == ["requirements.txt"]
    assert ends <= {0, 130, -signal.SIGINT, -signal.SIGTERM}
    again = start(target)
    assert end(again) == 0
    assert target.read_bytes() == expected
