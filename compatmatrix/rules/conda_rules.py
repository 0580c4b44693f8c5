"""The rules for an environment whose torch conda installed.

conda's builds are other builds than those of an index of wheels: compiled for other architectures, Pythons and C
libraries. What depends on these is left unsaid; releases, their time's NumPy, CUDA and its driver are the same.
"""

from compatmatrix.rules import (
    cpu_build_on_gpu,
    driver_too_new,
    driver_too_old,
    fastai_mismatch,
    known_bad,
    numpy_abi,
    torchaudio_mismatch,
    torchvision_mismatch,
)
from compatmatrix.rules.case import Rule

CONDA_RULES: tuple[Rule, ...] = (
    driver_too_old.RULE,
    driver_too_new.RULE,
    cpu_build_on_gpu.RULE,
    torchvision_mismatch.CONDA_RULE,
    torchaudio_mismatch.CONDA_RULE,
    fastai_mismatch.RULE,
    numpy_abi.RULE,
    known_bad.RULE,
)
