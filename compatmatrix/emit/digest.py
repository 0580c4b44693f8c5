"""The digest that names a lock."""

from __future__ import annotations

import hashlib


def lock_digest(text: str) -> str:
    """The digest ("sha256:…") of a lock in requirements form.

    Only what is installed counts: comments (the header with its proof level), blank lines, line ends and trailing
    blanks do not. So a lock keeps its name when it has been proven, or was checked out with other line ends.
    """
    lines = (line.rstrip() for line in text.splitlines())
    kept = "".join(f"{line}\n" for line in lines if line and not line.lstrip().startswith("#"))
    return f"sha256:{hashlib.sha256(kept.encode('utf-8')).hexdigest()}"
