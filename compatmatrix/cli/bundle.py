"""Options that travel together: a command gets them as one value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def bundled(function: F, options: Sequence[Callable[[Any], Any]], bundle: Any, name: str) -> F:
    """Add click options to a command, which gets their values as one bundle.

    bundle: a NamedTuple whose fields are the options' parameters; name: the parameter that it arrives in.
    """

    @wraps(function)
    def wrapped(*args: Any, **values: Any) -> Any:
        values[name] = bundle(**{field: values.pop(field) for field in bundle._fields})
        return function(*args, **values)

    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[return-value]
