"""No wheel of torch exists for this operating system and machine."""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope


def check(case: Case) -> Iterator[Finding]:
    platform, libc, torch = case.host.platform.value, case.host.libc.value, case.torch
    if torch is None or platform is None:
        return
    if platform not in case.matrix.platforms:
        yield Finding(
            RULE.code,
            Severity.ERROR,
            f"there is no torch wheel for {platform}",
            f"wheels exist for {', '.join(sorted(case.matrix.platforms))}",
            packages=("torch",),
        )
    elif libc is not None and libc.kind == "musl":
        yield Finding(
            RULE.code,
            Severity.ERROR,
            f"{libc}: torch wheels need glibc, musl systems such as Alpine have none",
            "use a Debian, Ubuntu or Fedora based image",
            packages=("torch",),
        )
    elif case.matrix.has_builds(torch) and not case.matrix.builds_for(torch, platform):
        last = next((t for t in case.matrix.torches if case.matrix.builds_for(t, platform)), None)
        yield Finding(
            RULE.code,
            Severity.ERROR,
            f"torch {torch} has no wheel for {platform}",
            f"the newest torch with one is {last}" if last else "",
            packages=("torch",),
        )


RULE = Rule("platform-unsupported", "no wheel exists for this platform", Scope.HOST, check)
