from __future__ import annotations

import pytest

from compatmatrix.rules.conda_mixed import RULE

from .reported import codes


@pytest.mark.parametrize(
    "text",
    [
        "[conda] cpuonly 2.0 0 pytorch\n[conda] cudatoolkit 11.3.1 h2bc3f7f_2\n[conda] pytorch 1.11.0 "
        "py3.9_cpu_0 pytorch\n",
        "PyTorch version: 1.9.0+cu102\n[pip3] torch==1.9.0\n[conda] pytorch 1.6.0 "
        "py3.7_cuda10.1.243_cudnn7.6.3_0 pytorch\n",
        "conda install pytorch cudatoolkit=10.1\npytorch pytorch/win-64::pytorch-1.10.0-py3.6_cpu_0\n",
    ],
)
def test_mixed(text: str) -> None:
    assert codes(RULE, text) == ["conda-mixed"]


@pytest.mark.parametrize(
    "text",
    [
        "[conda] cudatoolkit 11.3.1 h2bc3f7f_2\n[conda] pytorch 1.11.0 py3.9_cuda11.3_cudnn8.2.0_0 pytorch\n",
        "[conda] cpuonly 2.0 0 pytorch\n[conda] pytorch 1.11.0 py3.9_cpu_0 pytorch\n",
        "[pip3] torch==1.9.0\n[conda] torch 1.9.0 pypi_0 pypi\n",
        # collect_env asks the pip that is first on PATH, which may be another Python's.
        "PyTorch version: 1.3.0\n[pip3] torch==1.2.0\n[conda] pytorch 1.3.0 py3.7_cuda10.1.243_cudnn7.6.3_0 pytorch\n",
    ],
)
def test_silence(text: str) -> None:
    assert codes(RULE, text) == []


def test_pytorch_cuda_beside_a_cpu_build() -> None:
    """pytorch-cuda exists in conda only: no command need say who installed it."""
    rows = "pytorch 2.5.1 py3.12_cpu_0 pytorch\npytorch-cuda 11.7 h778d358_5 pytorch\n"
    assert codes(RULE, rows) == ["conda-mixed"]
    assert codes(RULE, rows.replace("py3.12_cpu_0", "py3.12_cuda11.7_cudnn8_0")) == []
