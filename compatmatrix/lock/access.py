"""Where the packages of a lock come from."""

from pathlib import Path
from typing import NamedTuple


class Access(NamedTuple):
    """Where packages come from.

    offline: ask no index. default_index: the base index, None for uv's or pip's own setting. proofs: the folder of
    shipped locks, None for resolving anew.
    """

    offline: bool = False
    default_index: str | None = None
    proofs: Path | None = None
