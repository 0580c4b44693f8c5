"""Fixtures that all tests share."""

from __future__ import annotations

import signal

import pytest

from compatmatrix.matrix import Matrix, load_matrix

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a shell, we ignore interrupts, and so would the children that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def matrix() -> Matrix:
    """The real matrix."""
    return load_matrix()
