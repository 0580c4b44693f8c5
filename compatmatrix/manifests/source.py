"""The text of a file, or why it cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from compatmatrix.errors import BadInput

MAX_BYTES = 20_000_000

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
    """A file's content, a byte order mark left out. Raises BadInput for one that is missing, too large or not UTF-8."""
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
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{path}:{line}: not UTF-8") from error
    if "\0" in text:
        raise BadInput(f"{path}:{text.count(chr(10), 0, text.index(chr(0))) + 1}: a NUL byte: not a text file")
    return text
