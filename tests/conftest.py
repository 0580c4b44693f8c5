"""Fixtures that all tests share."""

from __future__ import annotations

import os
import signal

import pytest

from compatmatrix.matrix import Matrix, load_matrix

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a shell, we ignore interrupts, and so would the children that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def no_own_matrix(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever the user of this machine has refreshed, tests judge by the shipped matrix; their children, too."""
    os.environ["XDG_DATA_HOME"] = str(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def matrix() -> Matrix:
    """The real matrix."""
    return load_matrix()
