"""A musl system (Alpine) onto which wheels of torch or of CUDA shall go: they need glibc."""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope


def check(case: Case) -> Iterator[Finding]:
    libc = case.host.libc.value
    if libc is None or libc.kind != "musl" or "torch" in case.stack:
        return  # with a torch in the stack, platform_unsupported says so
    cuda = [name for name in case.stack if name.startswith("nvidia-")]
    refused = case.observed.sign("musl-wheel", "old-sdist") or case.observed.offered == ()
    if cuda or case.observed.torch_cuda or refused:
        yield Finding(
            RULE.code,
            Severity.ERROR,
            f"{', '.join(cuda) or 'torch'}: the wheels need glibc, musl systems such as Alpine have none",
            "use a Debian, Ubuntu or Fedora based image",
            packages=tuple(cuda) or ("torch",),
        )


RULE = Rule("platform-unsupported", "CUDA wheels on a musl system", Scope.HOST, check)
