"""The driver is of a branch that no longer supports the GPU: it loads, and leaves the GPU alone.

nvidia-smi does not list the GPU then, so a GPU that the driver itself lists is not doubted. Branches lie ten and more
apart, and Windows counts on within one (R470 to 475, R580 to 582): from ten on it is another one. Source of the last
branches: the matrix; what the driver does: NVIDIA's README of the Linux driver, on legacy GPUs.
"""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope

_APART = 10
_SAID = frozenset({"given", "host file", "host files"})
"""Origins of facts that no driver vouches for."""


def check(case: Case) -> Iterator[Finding]:
    driver, gpus = case.host.driver, case.host.gpus
    if driver.value is None or not gpus.value or _SAID.isdisjoint((driver.origin, gpus.origin)):
        return
    for gpu in dict.fromkeys(gpus.value):
        row = case.matrix.capabilities.get(gpu.capability) if gpu.capability else None
        if row and row.last_driver and driver.value.major >= row.last_driver + _APART:
            yield Finding(
                RULE.code,
                Severity.WARNING,
                f"driver {driver.value} no longer supports {gpu}: R{row.last_driver} is the last branch for "
                f"{row.name}. A newer driver leaves the GPU alone, and nvidia-smi does not list it",
                f"install a driver of R{row.last_driver}",
                evidence=(row.evidence,),
            )


RULE = Rule("driver-too-new", "the driver's branch no longer supports a GPU", Scope.HOST, check, rejects=False)
