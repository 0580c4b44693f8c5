"""The container and the host's driver: the image's compat libraries over an older driver.

A driver that shows a newer CUDA than its branch was made with has an image's compat libraries over it. Only data-centre
GPUs admit that (forward compatibility); others fail with error 804, or see no GPU at all.
Source: docs.nvidia.com/deploy/cuda-compatibility, forward compatibility.
"""

from __future__ import annotations

from collections.abc import Iterator

from compatmatrix.model.finding import Finding, Severity
from compatmatrix.rules.case import Case, Rule, Scope
from compatmatrix.rules.stated import is_datacenter, offers


def check(case: Case) -> Iterator[Finding]:
    host, observed = case.host, case.observed
    driver, shown = host.driver.value, host.driver_cuda.value
    if driver is None or shown is None or case.system != "linux" or observed.cuda_available:
        return
    own = offers(driver, case)
    refused = observed.sign("forward-compatibility")
    if own is None or shown <= own:
        return
    blind = observed.sign("cuda-unavailable") or observed.cuda_available is False
    consumer = any(is_datacenter(gpu, case.matrix) is False for gpu in host.gpus.value or ())
    if refused or (blind and consumer):
        yield Finding(
            RULE.code,
            Severity.ERROR,
            f"the image's libraries of CUDA {shown} lie over driver {driver}, which was made with CUDA {own}: "
            "this GPU does not admit such forward compatibility",
            f"update the host's driver to one for CUDA {shown}, or take an image of CUDA {own} or older",
        )
        yield Finding(
            "driver-too-old",
            Severity.ERROR,
            f"driver {driver} was made with CUDA {own}; the image wants {shown}",
            "update the host's driver",
        )


RULE = Rule("container-driver", "an image's compat libraries over an older driver", Scope.HOST, check)
