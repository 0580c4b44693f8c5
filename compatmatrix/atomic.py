"""Writing a file so that it is either the old one or the complete new one."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

from compatmatrix.errors import BadInput

_HINTS = {
    errno.ENOENT: "make the folder first, or name another file",
    errno.ENOTDIR: "a part of the path is a file; name another one",
    errno.EACCES: "choose a place that you may write to",
    errno.EPERM: "choose a place that you may write to",
    errno.EROFS: "the file system is mounted read-only; choose another place",
    errno.ENOSPC: "free some space, or choose another place; the old file is untouched",
    errno.EDQUOT: "your disk quota is used up; the old file is untouched",
    errno.ENAMETOOLONG: "name a shorter file",
}


def write_atomically(path: str | Path, text: str) -> None:
    """Replace a file's content in one step, as UTF-8 with the line ends as given.

    A symbolic link stays and its target is replaced; the old file's mode is kept; a pipe or device is written to
    directly. Whatever happens, KeyboardInterrupt included, the old file is whole and no temporary file is left.
    Raises BadInput where that cannot be written (no folder, a folder, read-only, disk full).
    """
    given = Path(path)
    try:
        _write(Path(os.path.realpath(given)), text.encode("utf-8"))
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno == errno.ENOENT:
            reason = f"there is no folder {given.parent}"
        raise BadInput(f"cannot write {given}: {reason}", hint=_HINTS.get(error.errno or 0, "")) from error


def _write(target: Path, data: bytes) -> None:
    old_mode = _mode(target)
    if old_mode is not None and stat.S_ISDIR(old_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if old_mode is not None and not stat.S_ISREG(old_mode):
        # Replacing /dev/null or a pipe by a file would break the machine for everybody.
        target.write_bytes(data)
        return
    if old_mode is not None and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "the file is read-only")
    # The name is fixed before the file exists, so there is no moment in which an interrupt could lose track of it.
    # It does not contain the target's name, which may already be as long as the file system allows.
    temporary = target.parent / f".compatmatrix-{os.getpid()}-{secrets.token_hex(6)}.tmp"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if old_mode is not None:
            temporary.chmod(stat.S_IMODE(old_mode))
        temporary.replace(target)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    _sync_folder(target.parent)


def _mode(target: Path) -> int | None:
    try:
        return target.stat().st_mode
    except FileNotFoundError:
        return None


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut, where the system can say so."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
