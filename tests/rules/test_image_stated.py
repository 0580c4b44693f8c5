from __future__ import annotations

import pytest

from compatmatrix.rules.image_stated import RULE

from .reported import codes, found, report_case

SMI = """\
| NVIDIA-SMI 535.183.01   Driver Version: 535.183.01   CUDA Version: 12.2     |
|   0  NVIDIA GeForce RTX 3080     Off | 00000000:01:00.0  On |                  N/A |
"""
RUN = "docker run --rm --gpus all nvidia/cuda:{} nvidia-smi\n"


def test_the_image_asks_for_more_than_the_driver_brings() -> None:
    new = RUN.format("12.8.1-base-ubuntu22.04")
    assert found(RULE, new + SMI) == [("container-driver", "warning")]
    refused = "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8\n"
    assert codes(RULE, new + SMI + refused) == ["container-driver"]


@pytest.mark.parametrize(
    "text",
    [
        RUN.format("12.2.2-base-ubuntu22.04") + SMI,
        RUN.format("11.8.0-devel-ubuntu22.04") + SMI,
        RUN.format("12.8.1-base-ubuntu22.04"),
        RUN.format("12.8.1-base-ubuntu22.04") + SMI + "torch.cuda.is_available(): True\n",
        # Data-centre GPUs run the compatibility libraries of the image.
        RUN.format("12.8.1-base-ubuntu22.04") + SMI.replace("GeForce RTX 3080", "A100-SXM4-40GB"),
        "docker run someone/tool:12.8.1 true\n" + SMI,
    ],
)
def test_silence(text: str) -> None:
    assert found(RULE, text) == []


def test_a_short_tag_that_docker_refuses() -> None:
    short = "nvidia/cuda:12.4-base-ubuntu22.04"
    refusal = f"Error response from daemon: manifest for {short} not found: manifest unknown\n"
    (finding,) = RULE.check(report_case(refusal))
    assert finding.code == "other" and "12.4.1-base-ubuntu22.04" in finding.hint
    # The lists are not complete: a long tag that is not there, or a short one that nobody refused, may exist.
    assert found(RULE, refusal.replace("12.4-", "12.4.0-")) == []
    assert found(RULE, f"FROM {short}\n") == []
