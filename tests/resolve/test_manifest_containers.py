from __future__ import annotations

import pytest
from cases import host

from compatmatrix.manifests.manifest import BaseImage, Section
from compatmatrix.matrix import Matrix
from compatmatrix.model.finding import Place
from compatmatrix.resolve.manifest_containers import container_findings


def hints(matrix: Matrix, name: str, tag: str) -> list[str]:
    image = BaseImage(name, tag, None, Place("Dockerfile", 1))
    return [finding.hint for finding in container_findings(Section("", (), image=image), host(driver=None), matrix)]


@pytest.mark.parametrize(
    ("tag", "instead"),
    [
        ("12.4.1-cudnn8-runtime-ubuntu22.04", "12.4.1-cudnn-runtime-ubuntu22.04"),
        ("11.8.0-cudnn-devel-ubuntu22.04", "11.8.0-cudnn8-devel-ubuntu22.04"),
        ("12.6-base-ubuntu22.04", "12.6.3-base-ubuntu22.04"),
        ("12.6-cudnn-devel-ubuntu22.04", "12.6.3-cudnn-devel-ubuntu22.04"),
    ],
)
def test_a_tag_that_cannot_exist(matrix: Matrix, tag: str, instead: str) -> None:
    assert hints(matrix, "nvidia/cuda", tag) == [f"take nvidia/cuda:{instead}"]


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("nvidia/cuda", "12.4.1-cudnn-runtime-ubuntu22.04"),
        ("nvidia/cuda", "11.8.0-cudnn8-devel-ubuntu22.04"),
        ("nvidia/cuda", "12.99.1-cudnn-runtime-ubuntu22.04"),
        ("nvidia/cuda", "10.2-cudnn7-devel"),
        ("pytorch/pytorch", "latest"),
        ("pytorch/pytorch", ""),
        ("pytorch/pytorch", "2.5.1-cuda12.4-cudnn9-runtime"),
        ("somebody/cuda", "latest"),
    ],
)
def test_silence(matrix: Matrix, name: str, tag: str) -> None:
    assert hints(matrix, name, tag) == []
