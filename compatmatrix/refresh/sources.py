"""What a refresh asks of which index."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class Sources(NamedTuple):
    """Where to look. pypi, pytorch: base addresses, empty for not at all. builds: tags to look for besides known ones.

    measure: read architectures and the NumPy ABI out of each new wheel (some 20 MB each), and of those whose
    architectures were inferred. everything: also read METADATA of known rows, and older releases on PyTorch's index.
    optional: go on without PyTorch's index where it cannot be reached, with a note.
    """

    pypi: str
    pytorch: str
    builds: tuple[str, ...]
    measure: bool
    everything: bool
    optional: bool
    today: date
