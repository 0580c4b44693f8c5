"""An index whose wheels can be read in parts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from serve_layers import PADDING, LayeredIndex, serve_layers

__all__ = ["PADDING", "LayeredIndex"]


@pytest.fixture
def index() -> Iterator[LayeredIndex]:
    """An empty index that runs until the test ends."""
    with serve_layers() as made:
        yield made
