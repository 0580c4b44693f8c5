"""The rules for a report: all the others, and those that judge by what a report states where the matrix has no build.

Apart from `RULES`, so that looking at an environment does not import them.
"""

from compatmatrix.rules import (
    RULES,
    arch_stated,
    conda_mixed,
    conflicts,
    container_driver,
    cpu_build_stated,
    cuda_libs_conflict,
    driver_missing,
    driver_stated,
    image_stated,
    musl,
    not_offered,
    torchvision_stated,
    triton_stated,
    wheel_refused,
)
from compatmatrix.rules.case import Rule

REPORT_RULES: tuple[Rule, ...] = (
    *RULES,
    musl.RULE,
    not_offered.RULE,
    wheel_refused.RULE,
    driver_stated.RULE,
    driver_missing.RULE,
    container_driver.RULE,
    image_stated.RULE,
    arch_stated.RULE,
    cpu_build_stated.RULE,
    torchvision_stated.RULE,
    conflicts.RULE,
    cuda_libs_conflict.RULE,
    conda_mixed.RULE,
    triton_stated.RULE,
)
