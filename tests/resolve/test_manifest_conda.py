from __future__ import annotations

from pathlib import Path

import pytest
from cases import host

from compatmatrix.manifests.environment import read
from compatmatrix.matrix import Matrix
from compatmatrix.resolve.manifest import judge_manifest


def said(matrix: Matrix, spec: str, *channels: str) -> list[tuple[str, str]]:
    """Message and hint of what is said of an environment.yml with one specification."""
    lines = [
        *(["channels:", *(f"  - {name}" for name in channels)] if channels else []),
        "dependencies:",
        f"  - {spec}",
    ]
    judged = judge_manifest(read(Path("environment.yml"), "\n".join(lines) + "\n"), host(), matrix)
    return [(f.message, f.hint) for part in judged for f in part.findings if "never had" in f.message]


@pytest.mark.parametrize(
    ("spec", "channels", "hint"),
    [
        ("pytorch::pytorch=2.6.0", (), "the channel ended with 2.5.1: take it from conda-forge, or by pip"),
        ("pytorch::pytorch=2.6.0=py3.11_cuda12.4_cudnn9_0", ("conda-forge",), "the channel ended with 2.5.1"),
        ("conda-forge::pytorch=2.9.0", ("defaults",), "it has 2.8.0 and 2.9.1"),
        ("pytorch-gpu=2.2.1", ("conda-forge", "nodefaults"), "it has 2.1.2 and 2.3.0"),
    ],
)
def test_a_release_that_the_channel_never_had(matrix: Matrix, spec: str, channels: tuple[str, ...], hint: str) -> None:
    ((message, told),) = said(matrix, spec, *channels)
    assert message.startswith("the conda channel ")
    assert told.startswith(hint)


@pytest.mark.parametrize(
    ("spec", "channels"),
    [
        ("pytorch::pytorch=2.5.1", ()),
        ("conda-forge::pytorch=2.9.1", ()),
        ("conda-forge::pytorch=99.0.0", ()),
        ("pytorch=2.9.0", ("conda-forge",)),
        ("pytorch=2.9.0", ("conda-forge", "pytorch", "nodefaults")),
        ("pytorch=2.9", ("conda-forge", "nodefaults")),
        ("pytorch=2.9.0", ("https://mirror.example/other", "nodefaults")),
        ("pytorch=2.9.0", ()),
    ],
)
def test_silence_where_it_may_come_from_elsewhere(matrix: Matrix, spec: str, channels: tuple[str, ...]) -> None:
    """The user's own settings add channels, unless nodefaults shuts them out."""
    assert said(matrix, spec, *channels) == []
