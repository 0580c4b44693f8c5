"""conda and pip, or conda's own variants, in each other's way."""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope


def check(case: Case) -> Iterator[Finding]:
    torch = case.stack.get("torch")
    wants = [name for name in ("cudatoolkit", "pytorch-cuda") if name in case.stack]
    if "cpuonly" in case.stack and wants:
        yield Finding(
            RULE.code,
            Severity.ERROR,
            f"conda's cpuonly is installed beside {', '.join(wants)}: the solver took the CPU build of torch",
            "conda remove cpuonly, then ask for a torch that was built for this CUDA",
            packages=("torch", "cpuonly", *wants),
        )
    elif (
        wants
        and torch
        and torch.flavour == "cpu"
        and (case.observed.installer == "conda" or ("pytorch-cuda" in wants and not torch.version.local))
    ):  # pytorch-cuda is conda's alone
        yield Finding(
            RULE.code,
            Severity.ERROR,
            f"{', '.join(wants)} was asked for, and the solver took the CPU build of torch {torch.version}: "
            f"no CUDA build of it "
            "fits",
            "ask for a CUDA that this torch was built for, from the channel that has it",
            packages=("torch", *wants),
        )
    for copy in case.observed.copies:
        if copy.name == "torch" and torch and copy.release != torch.release:
            yield Finding(
                RULE.code,
                Severity.ERROR,
                f"two copies of torch: {torch.version} is imported ({torch.origin}), {copy.version} is "
                f"installed as well "
                f"({copy.origin})",
                "keep one: pip uninstall torch (in the user's site too), or conda remove pytorch",
                packages=("torch",),
            )
            return


RULE = Rule("conda-mixed", "two copies of torch, or cpuonly beside CUDA", Scope.VERSIONS, check)
