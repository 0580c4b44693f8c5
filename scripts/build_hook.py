"""Build hook: compiles data/matrix.toml and data/tokens.toml to the forms that load at once. See matrix/load.py."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileMatrix(BuildHookInterface):
    """Writes data/matrix.json and data/tokens.json before the files are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        sys.path.insert(0, self.root)
        try:
            from compatmatrix.matrix.load import compile_matrix, compiled_path
            from compatmatrix.matrix.tokens import compile_tokens
        finally:
            sys.path.remove(self.root)
        for name, compiled in (("matrix", compile_matrix), ("tokens", compile_tokens)):
            source = Path(self.root, "data", f"{name}.toml")
            compiled_path(source).write_text(compiled(source), encoding="utf-8")
            build_data["artifacts"].append(f"data/{name}.json")
