"""conda's records and programs, as its files lie on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compatmatrix.probe.conda import asked_for, channels_of, conda_program, covered


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


@pytest.mark.parametrize(
    ("history", "names"),
    [
        ("# update specs: ['torchvision', 'pytorch-cuda=12.1', 'python=3.11', 'pytorch=2.1.2']\n", {"pytorch-cuda"}),
        (
            "# update specs: [\"numpy[version='<2',build='py311*']\", 'pytorch::pytorch==2.5.1[build=*cu*]']\n",
            (),
        ),
        ("# update specs: ['cpuonly']\n==> now <==\n# cmd: conda remove cpuonly\n# remove specs: ['cpuonly']\n", ()),
        ("# update specs: numpy 1.11*, pytorch\n", {"numpy"}),
        ("# update specs: [[[[\n# update specs: 7\n# update specs: \0\n", ()),
    ],
)
def test_what_was_asked_for(tmp_path: Path, history: str, names: set[str]) -> None:
    assert asked_for(tmp_path) == frozenset()
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta/history").write_text(history)
    found = asked_for(tmp_path)
    assert found >= set(names)
    assert ("pytorch" in found) is ("pytorch=" in history or ", pytorch" in history)
    assert not found & {"cpuonly", "py311", "build"}


def test_what_another_installer_covers(tmp_path: Path) -> None:
    """conda's record goes on naming the metadata that pip has taken away."""
    site = "lib/python3.11/site-packages"
    for name, folder in (("pytorch", "torch-2.4.1-py3.11.egg-info"), ("numpy", "numpy-1.26.4.dist-info")):
        file = f"{site}/{folder}/{'PKG-INFO' if name == 'pytorch' else 'METADATA'}"
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).touch()
        record(tmp_path, f"{name}-1-0", json.dumps({"files": [f"{site}/x.py", file]}))
    names = ("pytorch", "numpy", "pillow")
    assert covered(tmp_path, names) == frozenset()
    (tmp_path / site / "torch-2.4.1-py3.11.egg-info/PKG-INFO").unlink()
    assert covered(tmp_path, names) == {"pytorch"}
    assert covered(tmp_path, ["numpy"]) == frozenset()
