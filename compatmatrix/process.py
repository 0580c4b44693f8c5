"""The door to child processes: every program that we start is started here."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple


class Finished(NamedTuple):
    """How a child ended.

    status: exit status, negative for a signal, None where it could not be started. timed_out: it was killed at
    the limit. error: why it could not be started. seconds: wall time.
    """

    status: int | None
    stdout: str
    stderr: str
    timed_out: bool
    error: str
    seconds: float

    @property
    def ok(self) -> bool:
        return self.status == 0 and not self.timed_out

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
    pass_stderr: bool = False,
) -> Finished:
    """Run a program to its end, never through a shell; its whole process group dies at the limit.

    timeout: seconds. env: the complete environment, None for ours. pass_stderr: let the child write its
    progress to our stderr. Never raises for what the child does; an interrupt kills the group and is raised.
    """
    started = time.monotonic()
    stderr: int | IO[str] | None = None if pass_stderr else subprocess.PIPE
    try:
        child = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        reason = f"{argv[0]}: {error.strerror or error}"
        return Finished(None, "", "", False, reason, time.monotonic() - started)
    timed_out = False
    try:
        out, err = child.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        timed_out = True
        _kill_group(child)
        try:
            out, err = child.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            # A grandchild in a session of its own may still hold the pipe; what it says does not matter.
            out, err = "", ""
    except BaseException:
        _kill_group(child)
        child.wait()
        raise
    return Finished(child.returncode, out or "", err or "", timed_out, "", time.monotonic() - started)


def _kill_group(child: subprocess.Popen[str]) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        child.kill()
