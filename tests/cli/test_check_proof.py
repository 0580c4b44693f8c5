"""check --proof: what has changed on this machine since a stack was trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compatmatrix.cli.main import run
from compatmatrix.lock.read import read_packages
from compatmatrix.matrix.load import data_folder
from compatmatrix.model.host import Python
from compatmatrix.model.target import Target, applies

RECORDS = sorted((data_folder() / "proofs").glob("py3.12-*/proof.json"))


def environment(folder: Path, versions: dict[str, str]) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch(mode=0o755)
    (folder / "pyvenv.cfg").write_text("home = /nowhere\nversion = 3.12.1\n")
    site = folder / "lib" / "python3.12" / "site-packages"
    site.mkdir(parents=True)
    for name, version in versions.items():
        (site / f"{name.replace('-', '_')}-{version}.dist-info").mkdir()
    return folder


@pytest.fixture
def record() -> Path:
    return RECORDS[0]


def proven_versions(record: Path) -> dict[str, str]:
    statement = json.loads(record.read_text(encoding="utf-8"))
    rows = {row["name"]: row for row in statement["predicate"]["configuration"]}
    found: dict[str, str] = rows["stack"]["annotations"]["versions"]
    return found


def locked_versions(record: Path) -> dict[str, str]:
    packages = read_packages((record.parent / "requirements.txt").read_text("utf-8"))
    here = Target(Python.parse("3.12.1"), "linux-x86_64")
    return {one.name: str(one.version) for one in packages if applies(one.marker, here)}


def test_packages_that_came_and_went_are_told(tmp_path: Path, record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    versions = locked_versions(record)
    gone = versions.pop("typer")
    folder = environment(tmp_path / "env", {**versions, "mamba": "1.0"})
    run(["check", "--python", str(folder), "--no-gpu", "--glibc", "2.36", "--proof", str(record), "--json"])
    notes = json.loads(capsys.readouterr().out)["notes"]
    told = [note for note in notes if "the proof" in note]
    assert told == ["since the proof: new: mamba 1.0", f"since the proof: gone: typer {gone}"]


def test_what_changed_is_told(tmp_path: Path, record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    versions = proven_versions(record)
    folder = environment(tmp_path / "env", {**versions, "numpy": "1.0"})
    run(["check", "--python", str(folder), "--no-gpu", "--proof", str(record), "--json"])
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert f"since the proof: numpy was {versions['numpy']}, is 1.0" in notes


def test_nothing_changed_is_told(tmp_path: Path, record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = environment(tmp_path / "env", locked_versions(record))
    run(["check", "--python", str(folder), "--no-gpu", "--glibc", "2.36", "--proof", str(record)])
    out = capsys.readouterr().out
    told = [line for line in out.splitlines() if "since the proof" in line]
    assert told == ["note: nothing has changed since the proof"]


def test_a_file_has_no_proof(tmp_path: Path, record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pins = tmp_path / "requirements.txt"
    pins.write_text("torch==2.15.0\n")
    assert run(["check", str(pins), "--proof", str(record)]) == 2


def test_a_broken_proof_is_no_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "proof.json"
    broken.write_text("{}")
    folder = environment(tmp_path / "env", {})
    assert run(["check", "--python", str(folder), "--no-gpu", "--proof", str(broken)]) == 3
    assert str(broken) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"), [("{}", "'_type' is missing, 'subject' is missing"), ("[]", "no JSON object")]
)
def test_what_is_no_proof_is_told(tmp_path: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "proof.json"
    path.write_text(text)
    assert run(["check", "--proof", str(path), "--python", str(environment(tmp_path / "venv", {}))]) == 3
    assert said in capsys.readouterr().err
