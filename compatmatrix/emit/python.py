"""The Python a lock is for."""

from __future__ import annotations

from compatmatrix.model.decision import Decision


def python_minor(decision: Decision) -> str:
    """The Python as wheels and image tags name it ("3.12", "3.14t"); empty where it is not known."""
    if decision.host.python.value is not None:
        return decision.host.python.value.minor
    release = decision.stack.release("python")
    return f"{release.major}.{release.minor}" if release else ""


def requires_python(decision: Decision) -> str:
    """The Python as a specifier ("==3.12.*"): what was resolved for one minor says nothing of the next.

    Empty where it is not known. There is no specifier for free-threaded builds.
    """
    minor = python_minor(decision).removesuffix("t")
    return f"=={minor}.*" if minor else ""
