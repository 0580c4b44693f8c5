"""The page of the real matrix, made once: the rules are asked thousands of questions for it."""

from __future__ import annotations

import pytest

from compatmatrix.matrix import Matrix
from compatmatrix.page.page import render


@pytest.fixture(scope="session")
def real_page(matrix: Matrix) -> str:
    return render(matrix)
