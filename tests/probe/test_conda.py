"""conda's records and programs, as its files lie on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compatmatrix.probe.conda import channels_of, conda_program


def record(prefix: Path, name: str, text: str) -> None:
    (prefix / "conda-meta").mkdir(exist_ok=True)
    (prefix / f"conda-meta/{name}.json").write_text(text)


@pytest.mark.parametrize(
    ("channel", "shown"),
    [
        ("https://conda.anaconda.org/conda-forge/linux-64", ("conda-forge",)),
        ("https://conda.anaconda.org/conda-forge/noarch", ("conda-forge",)),
        ("https://repo.anaconda.com/pkgs/main/linux-64", ("https://repo.anaconda.com/pkgs/main",)),
        ("pytorch", ("pytorch",)),
        ("--override", ()),
        (None, ()),
    ],
)
def test_the_channel_of_a_package(tmp_path: Path, channel: str | None, shown: tuple[str, ...]) -> None:
    record(tmp_path, "pytorch-cuda-12.1-ha16c6d3_6", json.dumps({"channel": "nvidia"}))
    record(tmp_path, "pytorch-2.4.1-py3.10_cuda12.1_cudnn9.1.0_0", json.dumps({"channel": channel}))
    assert channels_of(tmp_path, ["pytorch"]) == shown


def test_records_that_tell_nothing(tmp_path: Path) -> None:
    for number, text in enumerate(("", "[]", "{", '{"channel": 7}', "\0")):
        record(tmp_path, f"numpy-1.{number}-0", text)
    assert channels_of(tmp_path, ["numpy"]) == ()
    assert channels_of(tmp_path / "nowhere", ["numpy"]) == ()


def test_the_program(tmp_path: Path) -> None:
    def program(name: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch(mode=0o755)
        return path

    elsewhere = program("active/micromamba")
    environ = {"PATH": f"/nowhere:{tmp_path / 'bin'}", "MAMBA_EXE": str(elsewhere)}
    assert conda_program({"PATH": "/nowhere"}) is None
    assert conda_program(environ) == elsewhere
    mamba = program("bin/mamba")
    assert conda_program(environ) == mamba
    assert conda_program(environ | {"PATH": str(tmp_path / "bin")}) == mamba
    assert conda_program(environ | {"PATH": str(program("bin/conda").parent)}) == tmp_path / "bin/conda"
    (tmp_path / "bin/conda").chmod(0o644)
    assert conda_program(environ) == mamba, "what cannot be run is passed over"
