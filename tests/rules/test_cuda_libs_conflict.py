from __future__ import annotations

from cases import case, host

from compatmatrix.matrix import load_matrix
from compatmatrix.rules.cuda_libs_conflict import RULE


def severities(*pins: str) -> list[str]:
    return [str(finding.severity) for finding in RULE.check(case(load_matrix(), host(), *pins))]


def test_one_major_is_fine() -> None:
    assert severities("nvidia-cudnn-cu12==9.1.0.70", "nvidia-cublas-cu12==12.4.5.8", "nvidia-nccl-cu12==2.21.5") == []
    assert severities("nvidia-cublas==13.0.0.19", "nvidia-cudnn-cu13==9.13.0.50") == []


def test_two_majors_of_libraries_that_share_file_names() -> None:
    assert severities("nvidia-cudnn-cu11==8.5.0.96", "nvidia-cudnn-cu12==8.9.2.26") == ["error"]


def test_two_majors_that_lie_side_by_side() -> None:
    assert severities("nvidia-cublas-cu11==11.10.3.66", "nvidia-cublas-cu12==12.1.3.1") == ["warning"]
    assert severities("nvidia-cublas-cu11==11.10.3.66", "nvidia-cufft-cu12==11.0.2.54") == []
