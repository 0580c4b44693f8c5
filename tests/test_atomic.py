"""The old file or the complete new one, and never a temporary file left."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from compatmatrix import atomic
from compatmatrix.atomic import write_atomically
from compatmatrix.errors import BadInput

as_user = pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writes_new_file_with_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_atomically(tmp_path / "lock.txt", "ä\n")
    finally:
        os.umask(old)
    assert (tmp_path / "lock.txt").read_bytes() == "ä\n".encode()
    assert stat.S_IMODE((tmp_path / "lock.txt").stat().st_mode) == 0o640
    assert names(tmp_path) == ["lock.txt"]


def test_keeps_mode_and_follows_links(tmp_path: Path) -> None:
    real = tmp_path / "real.txt"
    real.write_text("old")
    real.chmod(0o751)
    link = tmp_path / "link.txt"
    link.symlink_to("real.txt")
    write_atomically(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o751


def test_a_dangling_link_gets_its_target(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("later")
    write_atomically(tmp_path / "link", "x")
    assert (tmp_path / "later").read_text() == "x"


def test_relative_names_and_names_of_full_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_atomically("x" * 255, "long")
    assert names(tmp_path) == ["x" * 255]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, MemoryError, OSError(errno.ENOSPC, "No space left on device")])
def test_any_exception_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: BaseException | type[BaseException]
) -> None:
    target = tmp_path / "lock.txt"
    target.write_text("old")

    def fail(_: int) -> None:
        raise kind

    monkeypatch.setattr(atomic.os, "fsync", fail)
    expected = BadInput if isinstance(kind, OSError) else kind
    with pytest.raises(expected):  # type: ignore[arg-type]
        write_atomically(target, "new")
    assert target.read_text() == "old"
    assert names(tmp_path) == ["lock.txt"]


def test_errors_name_the_file_and_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no folder") as caught:
        write_atomically(tmp_path / "no" / "lock.txt", "x")
    assert "make the folder first" in str(caught.value)
    with pytest.raises(BadInput, match="it is a folder"):
        write_atomically(tmp_path, "x")
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="Not a directory"):
        write_atomically(tmp_path / "file" / "lock.txt", "x")
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(BadInput):
        write_atomically(tmp_path / "a", "x")
    assert names(tmp_path) == ["a", "b", "file"]


@as_user
def test_read_only_file_and_folder(tmp_path: Path) -> None:
    target = tmp_path / "lock.txt"
    target.write_text("old")
    target.chmod(0o444)
    with pytest.raises(BadInput, match="the file is read-only"):
        write_atomically(target, "new")
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(BadInput, match="Permission denied"):
            write_atomically(tmp_path / "other.txt", "new")
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
def test_devices_are_written_to_and_not_replaced() -> None:
    write_atomically(os.devnull, "x")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    with pytest.raises(BadInput, match="No space left"):
        write_atomically("/dev/full", "x")


WRITER = """
import sys
from compatmatrix.atomic import write_atomically
print("ready", flush=True)
number = int(sys.argv[2])
while True:
    number += 3
    write_atomically(sys.argv[1], (str(number) + "\\n") * 20000)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_three_parallel_interrupted_writers_never_leave_a_broken_file(tmp_path: Path) -> None:
    target = tmp_path / "lock.txt"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    for round_ in range(2):
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, str(target), str(number)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=env,
            )
            for number in range(3)
        ]
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.readline()
        for number, writer in enumerate(writers):
            time.sleep(0.03 + 0.017 * number + 0.011 * round_)
            writer.send_signal(signal.SIGINT)
        for writer in writers:
            writer.communicate(timeout=10)
        lines = target.read_text().splitlines()
        assert len(lines) == 20000
        assert len(set(lines)) == 1
        assert names(tmp_path) == ["lock.txt"]
