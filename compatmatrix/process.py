"""The door to child processes: every program that we start is started here."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO, NamedTuple

from compatmatrix.errors import ToolFailed

MAX_OUTPUT = 32 * 1024 * 1024
"""Bytes of each stream that are kept; a child that says more is ended."""

_CHUNK = 65536


class Finished(NamedTuple):
    """How a child ended.

    status: exit status, negative for a signal, None where it could not be started. timed_out: it was killed at
    the limit. error: why it could not be started, or that it said too much. seconds: wall time.
    """

    status: int | None
    stdout: str
    stderr: str
    timed_out: bool
    error: str
    seconds: float

    @property
    def ok(self) -> bool:
        return self.status == 0 and not self.timed_out and not self.error

    def describe(self) -> str:
        """The end in words: "exit status 1", "killed by SIGSEGV", "no answer within 5 s"."""
        if self.error:
            return self.error
        if self.timed_out:
            return f"no answer within {self.seconds:.0f} s"
        if self.status is not None and self.status < 0:
            try:
                return f"killed by {signal.Signals(-self.status).name}"
            except ValueError:
                return f"killed by signal {-self.status}"
        return f"exit status {self.status}"


def run(
    argv: Sequence[str],
    *,
    timeout: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    max_output: int = MAX_OUTPUT,
) -> Finished:
    """Run a program to its end, never through a shell; its whole process group dies at the limit.

    timeout: seconds. env: the complete environment, None for ours. max_output: bytes of either stream. Never raises
    for what the child does; an interrupt kills the group and is raised.
    """
    started = time.monotonic()
    held = _HeldInterrupts()
    try:
        child = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        held.release()
        reason = f"{argv[0]}: {getattr(error, 'strerror', None) or error}"
        return Finished(None, "", "", False, reason, time.monotonic() - started)
    assert child.stdout is not None and child.stderr is not None
    out, err = (_Reader(child, stream, max_output) for stream in (child.stdout, child.stderr))
    timed_out = False
    try:
        held.release()
        deadline = started + timeout
        out.join(deadline - time.monotonic())
        err.join(deadline - time.monotonic())
        child.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        timed_out = True
    finally:
        # Also where it ended well: a grandchild that holds the pipes must not outlive the answer.
        if timed_out or child.poll() is None or out.is_alive() or err.is_alive():
            _kill_group(child)
        child.wait()
    # A grandchild in a session of its own may still hold a pipe; what it says does not matter.
    out.join(1.0)
    err.join(1.0)
    flooded = next((name for name, reader in (("stdout", out), ("stderr", err)) if reader.flooded), "")
    said_too_much = f"{argv[0]}: more than {max_output} bytes on {flooded}" if flooded else ""
    seconds = time.monotonic() - started
    return Finished(child.returncode, out.text(), err.text(), timed_out, said_too_much, seconds)


class _HeldInterrupts:
    """Keeps SIGINT and SIGTERM back from here to `release`, which lets them happen.

    An exception raised inside Popen, after the fork, would leave a child that nobody knows of.
    """

    def __init__(self) -> None:
        self._before: dict[int, Callable[[int, FrameType | None], object]] = {}
        self._came: list[tuple[int, FrameType | None]] = []
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                handler = signal.getsignal(number)
                if callable(handler):
                    self._before[number] = handler
                    signal.signal(number, self._keep)

    def _keep(self, number: int, frame: FrameType | None) -> None:
        self._came.append((number, frame))

    def release(self) -> None:
        """Put the handlers back; what came meanwhile goes to them now."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        for number, frame in self._came:
            self._before[number](number, frame)


def uv_program() -> str:
    """The uv that came with us, else the one on PATH. Raises ToolFailed where there is none."""
    try:
        import uv

        return uv.find_uv_bin()
    except (ImportError, OSError):
        found = shutil.which("uv")
    if found is None:
        raise ToolFailed("uv is not installed", hint="python -m pip install uv")
    return found


class _Reader(threading.Thread):
    """Reads one stream to its end, or to the limit, where it ends the child."""

    def __init__(self, child: subprocess.Popen[bytes], stream: IO[bytes], limit: int) -> None:
        super().__init__(daemon=True)
        self._child = child
        self._stream = stream
        self._limit = limit
        self._found = bytearray()
        self.flooded = False
        self.start()

    def run(self) -> None:
        with self._stream:
            while chunk := self._stream.read1(_CHUNK):  # type: ignore[attr-defined]
                self._found += chunk
                if len(self._found) > self._limit:
                    self.flooded = True
                    _kill_group(self._child)
                    return

    def join(self, timeout: float | None = None) -> None:
        super().join(None if timeout is None else max(0.0, timeout))

    def text(self) -> str:
        return bytes(self._found[: self._limit]).decode("utf-8", "replace").replace("\r\n", "\n")


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    if os.name == "nt":
        child.kill()
        return
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        child.kill()
