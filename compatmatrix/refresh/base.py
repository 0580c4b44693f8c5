"""Which package index is asked: the one that was named, else the one that locks are resolved from, else uv's own."""

from __future__ import annotations

import re

from compatmatrix.errors import ToolFailed, UsageError
from compatmatrix.index import pip_setting, uv_environment
from compatmatrix.process import run, uv_program

_DEFAULT = re.compile(r"--default-index\s.*?by\s+default:\s+<?(https://[^\s>\])]+)", re.DOTALL)


def base_index(named: str = "") -> str:
    """The address of the folder of project pages. Raises UsageError where there is none to be found."""
    env = uv_environment(named or None)
    configured = env.pop("UV_DEFAULT_INDEX", "") or env.pop("UV_INDEX_URL", "") or pip_setting("index-url")
    return configured or _of_uv(env)


def _of_uv(env: dict[str, str]) -> str:
    """The index that uv takes where none is configured. Its help names it, and nothing else that it prints does."""
    try:
        done = run([uv_program(), "pip", "compile", "--help"], timeout=20, env=env)
        found = _DEFAULT.search(done.stdout)
    except ToolFailed:
        found = None
    if found is None:
        raise UsageError("no package index is configured, and uv names none", hint="name it with --index-url")
    return found[1]
