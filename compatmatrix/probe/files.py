"""Questions to the file system that are never an error: what may not be looked at counts as not there.

In Python 3.11, Path.exists and its kin raise PermissionError for a folder that may not be searched.
"""

from __future__ import annotations

from pathlib import Path


def exists(path: Path) -> bool:
    """Whether something is there; a link that leads nowhere is not."""
    try:
        return path.exists()
    except OSError:
        return False


def is_file(path: Path) -> bool:
    """Whether a file, or a link to one, is there."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Whether a folder, or a link to one, is there."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_link(path: Path) -> bool:
    """Whether a symbolic link is there, wherever it leads."""
    try:
        return path.is_symlink()
    except OSError:
        return False
