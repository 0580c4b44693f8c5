"""The rules: each a case in, findings out. Their order is the order of the findings."""

from compatmatrix.rules import (
    arch_missing,
    cpu_build_on_gpu,
    cudnn_floor,
    driver_too_new,
    driver_too_old,
    fastai_mismatch,
    glibc_too_old,
    known_bad,
    numpy_abi,
    nvjitlink_older,
    platform_unsupported,
    python_unsupported,
    torchaudio_mismatch,
    torchvision_mismatch,
    unknown_torch,
)
from compatmatrix.rules.case import Case, Rule, Scope, judge

RULES: tuple[Rule, ...] = (
    platform_unsupported.RULE,
    python_unsupported.RULE,
    glibc_too_old.RULE,
    driver_too_old.RULE,
    driver_too_new.RULE,
    arch_missing.RULE,
    cudnn_floor.RULE,
    cpu_build_on_gpu.RULE,
    torchvision_mismatch.RULE,
    torchaudio_mismatch.RULE,
    fastai_mismatch.RULE,
    numpy_abi.RULE,
    nvjitlink_older.RULE,
    known_bad.RULE,
    unknown_torch.RULE,
)

__all__ = ["RULES", "Case", "Rule", "Scope", "judge"]
