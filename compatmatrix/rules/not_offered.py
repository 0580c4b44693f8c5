"""The index did not offer the torch that was asked for: what it offered tells whether Python or the platform is why."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.version import Version

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope

_FIRST_WHEELS = Version("0.2")
"""Below it PyPI has sources only, which refuse to build: pip lists them where no wheel fits."""


def check(case: Case) -> Iterator[Finding]:
    offered = case.observed.offered
    wanted = next((pin for pin in case.observed.requested if pin.name == "torch"), None)
    libc = case.host.libc.value
    if offered is None or (libc is not None and libc.kind == "musl"):
        return
    platform = case.host.platform.value or ""
    told = case.host.platform.origin not in ("assumed", "")
    if told and platform and platform not in case.matrix.platforms:
        return  # platform-unsupported says so
    offered = tuple(version for version in offered if version >= _FIRST_WHEELS)
    if not offered:
        yield _finding(
            f"the index offers no torch at all for this Python{_python(case)}",
            "take a 64-bit Python that torch has wheels for",
        )
        return
    if wanted is None:
        return
    release = wanted.release
    public = [Version(version.public) for version in offered]
    if release in public:
        if wanted.version.local:
            yield Finding(
                "other", Severity.ERROR,
                f"torch {release} is offered, its build {wanted.version.local} is not: the index that was "
                f"asked has none",
                f"add the index that has it: --extra-index-url {case.matrix.pytorch_index}/{wanted.version.local}",
                packages=("torch",),
            )  # fmt: skip
        return
    stable = [version for version in public if not version.is_prerelease] or public
    first, last = min(stable), max(stable)
    if told and release in case.matrix.builds and not case.matrix.builds_for(release, platform):
        return  # platform-unsupported says so
    if release < first:
        yield _finding(
            f"torch {release} has no wheel for this Python{_python(case)}: the oldest that is offered is {first}",
            f"take an older Python, or torch {first} or later",
        )
    elif release > last and last < max(case.matrix.torches):
        yield _finding(
            f"torch {release} has no wheel for this Python{_python(case)}: the newest that is offered is {last}",
            f"take a newer Python, or torch {last} or older",
        )


def _python(case: Case) -> str:
    python = case.host.python.value
    return f" ({python})" if python else ""


def _finding(message: str, hint: str) -> Finding:
    return Finding(RULE.code, Severity.ERROR, message, hint, packages=("torch",))


RULE = Rule("python-unsupported", "the index offers other releases than the one asked for", Scope.VERSIONS, check)
