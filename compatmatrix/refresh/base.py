"""Which package index is asked: the one that was named, pip's setting, else pip's own."""

from __future__ import annotations

from compatmatrix.errors import UsageError
from compatmatrix.index import pip_setting


def base_index(named: str = "") -> str:
    """The address of the folder of project pages. Raises UsageError where there is none to be found."""
    if named or pip_setting("index-url"):
        return named or pip_setting("index-url")
    try:
        from pip._internal.models.index import PyPI
    except ImportError:
        raise UsageError(
            "no package index is configured, and there is no pip to say its own", hint="name it with --index-url"
        ) from None
    return str(PyPI.simple_url)
