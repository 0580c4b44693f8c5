"""CUDA libraries of several releases meet: nvidia-* wheels of two CUDA majors that write the same files.

cuDNN, NCCL, cuSPARSELt and NVSHMEM carry no CUDA major in their file names, so the wheel installed last wins for both;
the others (libcublas.so.11, libcublas.so.12) lie side by side. Source: the file lists of the wheels on PyPI.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope

SAME_FILES = {"nvidia-cudnn", "nvidia-nccl", "nvidia-cusparselt", "nvidia-nvshmem"}


def check(case: Case) -> Iterator[Finding]:
    majors: dict[str, set[str]] = {}
    for name in case.stack:
        match = re.fullmatch(r"(nvidia-[a-z0-9-]+?)-cu(\d{2})", name)
        if match:
            majors.setdefault(match[1], set()).add(match[2])
    mixed = {name: tags for name, tags in majors.items() if len(tags) > 1}
    if not mixed:
        return
    clash = sorted(name for name in mixed if name in SAME_FILES)
    packages = tuple(f"{name}-cu{tag}" for name in sorted(mixed) for tag in sorted(mixed[name]))
    both = " and ".join(f"CUDA {tag}" for tag in sorted({tag for tags in mixed.values() for tag in tags}))
    if clash:
        yield Finding(
            RULE.code,
            Severity.ERROR,
            f"wheels for {both} are installed together, and {', '.join(clash)} of both write the same files",
            "remove those that torch does not ask for, then install the others again with --force-reinstall",
            packages=packages,
        )
    else:
        yield Finding(
            RULE.code,
            Severity.WARNING,
            f"wheels for {both} are installed together; torch uses those of one",
            "remove those that torch does not ask for",
            packages=packages,
        )


RULE = Rule("cuda-libs-conflict", "nvidia-* wheels of several CUDA majors", Scope.VERSIONS, check)
