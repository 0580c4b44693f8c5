#!/usr/bin/env python3
"""Learn new releases and changed cells into data/matrix.toml and show the change.

    python scripts/refresh_matrix.py [--dry-run] [--measure] [--all] [--build TAG] [--index pypi] [--index-url URL]

The same as `compatmatrix matrix refresh data/matrix.toml`: rows are added, cells are set, none is dropped or blanked,
and whatever goes wrong leaves the file as it was.
"""

from __future__ import annotations

import sys
from pathlib import Path

from compatmatrix.cli.main import main

MATRIX = Path(__file__).resolve().parent.parent / "data" / "matrix.toml"

if __name__ == "__main__":
    main(["matrix", "refresh", str(MATRIX), *sys.argv[1:]])
