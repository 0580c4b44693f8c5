"""Build hook: compiles data/matrix.toml to the form that loads in a millisecond or two. See matrix/load.py."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileMatrix(BuildHookInterface):
    """Writes data/matrix.json before the files are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        sys.path.insert(0, self.root)
        try:
            from compatmatrix.matrix.load import compile_matrix, compiled_path
        finally:
            sys.path.remove(self.root)
        source = Path(self.root, "data", "matrix.toml")
        compiled_path(source).write_text(compile_matrix(source), encoding="utf-8")
        build_data["artifacts"].append("data/matrix.json")
