"""The driver is too old, by what a report states: where the matrix has no build, or the driver is not told."""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope
from compatmatrix.rules.coverage import meets
from compatmatrix.rules.stated import floor_of, offers, runs_offered, torch_cuda


def check(case: Case) -> Iterator[Finding]:
    host, observed = case.host, case.observed
    if host.has_gpu is False or observed.cuda_available:
        return
    if case.build and case.build.cuda and host.has_gpu and host.driver.value:
        return  # the rule of the matrix's builds has judged it
    built = torch_cuda(case)
    driver, offered = host.driver.value, host.driver_cuda.value
    if built is None:
        yield from _below_all(case)
        return
    what = f"torch {case.torch}" if case.torch else "torch"
    if driver:
        floor = floor_of(built.cuda, case)
        if floor and not meets(floor, built.cuda, host, case.matrix):
            able = offers(driver, case)
            runs = f" (this driver was made with CUDA {able})" if able else ""
            yield Finding(
                RULE.code,
                Severity.ERROR,
                f"driver {driver} is too old for {what} built for CUDA {built.cuda}: it needs {floor} or later",
                f"update the driver, or take a build of an older CUDA{runs}",
                packages=("torch",),
                evidence=built.evidence,
            )
            return
    if offered and not runs_offered(offered, built.cuda, case.matrix):
        yield Finding(
            RULE.code,
            Severity.ERROR,
            f"the driver offers CUDA {offered}, which is too old for {what} built for CUDA {built.cuda}",
            "update the driver, or take a build of an older CUDA",
            packages=("torch",),
            evidence=built.evidence,
        )


def _below_all(case: Case) -> Iterator[Finding]:
    """torch's CUDA is not told, CUDA does not work, and the driver is older than the oldest family asks for."""
    driver = case.host.driver.value
    if (
        driver is None
        or case.torch
        or not (case.observed.sign("cuda-unavailable") or case.observed.cuda_available is False)
    ):
        return
    if case.observed.torch_cpu:
        return
    oldest = case.matrix.families[min(case.matrix.families)]
    floor = oldest.drivers.get(case.system)
    if floor and driver < floor:
        yield Finding(
            RULE.code,
            Severity.ERROR,
            f"driver {driver} is older than any CUDA {oldest.major} build runs on ({floor}), and CUDA does not work",
            "update the driver; say which torch it is (torch.version.cuda) to be sure",
            packages=("torch",),
            evidence=(oldest.evidence,),
        )


RULE = Rule("driver-too-old", "the driver is older than the stated CUDA of torch needs", Scope.HOST, check)
