"""The text of a file, or why it cannot be read.

Source of the encodings: pip, `_internal/utils/encoding.py`, auto_decode: a byte order mark tells UTF-16.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from compatmatrix.errors import BadInput

MAX_BYTES = 20_000_000
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_INSTEAD: ContextVar[Mapping[Path, str]] = ContextVar("instead", default={})  # noqa: B039


@contextmanager
def reading_instead(texts: Mapping[Path, str]) -> Iterator[None]:
    """Within this block `read_text` gives these texts for these files: what they would hold after a change."""
    token = _INSTEAD.set({path.resolve(): text for path, text in texts.items()})
    try:
        yield
    finally:
        _INSTEAD.reset(token)


def read_text(path: Path) -> str:
    """A file's content, a byte order mark left out. Raises BadInput for one that is missing, too large or neither UTF-8
    nor UTF-16 with its mark, as PowerShell's `pip freeze > file` writes."""
    instead = _INSTEAD.get()
    if instead and path.resolve() in instead:
        return instead[path.resolve()]
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from error
    if len(raw) > MAX_BYTES:
        raise BadInput(f"{path}: larger than {MAX_BYTES} bytes")
    try:
        text = raw.decode("utf-16" if raw.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        what = "broken UTF-16" if raw.startswith(_UTF16) else "not UTF-8"
        raise BadInput(f"{path}:{line}: {what}") from error
    if "\0" in text:
        raise BadInput(f"{path}:{text.count(chr(10), 0, text.index(chr(0))) + 1}: a NUL byte: not a text file")
    return text


def is_utf16(path: Path) -> bool:
    """Whether a file begins with the mark of UTF-16; False for one that cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(2) in _UTF16
    except OSError:
        return False
