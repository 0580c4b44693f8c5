"""Lock files as the tools wrote them (see samples/README.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from compatmatrix.errors import BadInput
from compatmatrix.manifests.manifest import Manifest, settle
from compatmatrix.manifests.read import edit, format_of, read_manifest
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.host import Python
from compatmatrix.model.target import Target

SAMPLES = Path(__file__).parent / "samples"
LOCKS = ["uv.lock", "pylock.toml", "poetry.lock", "pdm.lock", "Pipfile.lock", "conda-lock.yml"]
PYTHON = Python.parse("3.12")


def versions(manifest: Manifest, platform: str, section: int = 0) -> dict[str, str]:
    (part,) = settle(manifest.sections[section], Target(PYTHON, platform))
    names = ("torch", "torchvision", "fastai")
    return {name: str(part.stack[name].version) for name in names if name in part.stack}


@pytest.mark.parametrize("name", ["uv.lock", "pylock.toml", "poetry.lock", "pdm.lock"])
def test_the_fork_of_the_platform_counts(name: str) -> None:
    manifest = read_manifest(SAMPLES / name)
    linux = versions(manifest, "linux-x86_64")
    assert linux == {"torch": "2.8.0+cu126", "torchvision": "0.23.0+cu126", "fastai": "2.8.5"}
    assert versions(manifest, "windows-amd64")["torch"] == "2.8.0"


def test_pipfile_lock() -> None:
    manifest = read_manifest(SAMPLES / "Pipfile.lock")
    assert versions(manifest, "linux-x86_64")["torch"] == "2.8.0+cu126"
    assert manifest.sections[0].python == "==3.12.*"


@pytest.mark.parametrize("name", LOCKS)
def test_places_are_the_lines_of_the_pins(name: str) -> None:
    path = SAMPLES / name
    lines = path.read_text().splitlines()
    for section in read_manifest(path).sections:
        for entry in section.entries:
            line = lines[entry.place.line - 1]
            assert "version" in line
            assert entry.specifier.lstrip("=") in line


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_is_known_by_its_content_as_well(name: str, tmp_path: Path) -> None:
    copy = tmp_path / "before.tmp"
    copy.write_bytes((SAMPLES / name).read_bytes())
    assert read_manifest(copy).stack.versions() == read_manifest(SAMPLES / name).stack.versions()


@pytest.mark.parametrize("name", LOCKS)
def test_locks_are_not_edited(name: str) -> None:
    path = SAMPLES / name
    with pytest.raises(BadInput, match="not edited by hand") as caught:
        edit(path, path.read_text(), {"torch": "==2.8.0"})
    assert caught.value.hint


def test_conda_lock_has_a_section_for_each_platform() -> None:
    linux, mac = read_manifest(SAMPLES / "conda-lock.yml").sections
    assert (linux.platform, mac.platform) == ("linux-x86_64", "macos-arm64")
    assert linux.python == "==3.12.11"
    assert linux.cuda == Cuda(12, 6)
    assert mac.cuda is None
    (part,) = settle(linux, Target())
    assert part.conda == {"torch", "python"} | {entry.name for entry in linux.entries if entry.conda}
    assert str(part.stack["torch"].version) == "2.7.1"
    assert "fastai" in part.stack
    assert "fastai" not in part.conda


CHANGED = {
    "uv.lock": ("version = 1\n", "version = 9\n", ":1: version 9 of uv.lock is not known"),
    "pylock.toml": ('lock-version = "1.0"', 'lock-version = "7.0"', "lock-version 7.0 of pylock.toml is not known"),
    "poetry.lock": (
        'lock-version = "2.1"',
        'lock-version = "9.0"',
        ":100: lock-version 9.0 of poetry.lock is not known",
    ),
    "pdm.lock": ('lock_version = "4.', 'lock_version = "9.', ":7: lock_version 9."),
    "Pipfile.lock": ('"pipfile-spec": 6', '"pipfile-spec": 9', ":6: pipfile-spec 9 of Pipfile.lock is not known"),
    "conda-lock.yml": ("version: 1\n", "version: 9\n", ":1: conda-lock version 9 is not known"),
}


@pytest.mark.parametrize("name", LOCKS)
def test_unknown_versions_are_refused_with_their_line(name: str, tmp_path: Path) -> None:
    old, new, words = CHANGED[name]
    text = (SAMPLES / name).read_text()
    assert old in text
    path = tmp_path / name
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(BadInput) as caught:
        read_manifest(path)
    assert words in caught.value.problems[0]
    assert caught.value.hint


@pytest.mark.parametrize("name", LOCKS)
@pytest.mark.parametrize("part", [0.1, 0.35, 0.6, 0.9])
def test_truncated_locks_are_told_or_read(name: str, part: float, tmp_path: Path) -> None:
    text = (SAMPLES / name).read_text()
    path = tmp_path / name
    path.write_text(text[: int(len(text) * part)])
    try:
        read_manifest(path)
    except BadInput as error:
        assert str(path) in error.problems[0]


def test_a_broken_lock_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "uv.lock"
    path.write_text("version = 1\n\n[[package]\nname = 'torch'\n")
    with pytest.raises(BadInput, match=r"uv\.lock:3: not TOML"):
        read_manifest(path)
    path = tmp_path / "Pipfile.lock"
    path.write_text('{\n "_meta": {,\n}}')
    with pytest.raises(BadInput, match=r"Pipfile\.lock:2: not JSON"):
        read_manifest(path)


def test_what_pep_751_does_not_allow(tmp_path: Path) -> None:
    pytest.importorskip("packaging.pylock")
    path = tmp_path / "pylock.toml"
    path.write_text((SAMPLES / "pylock.toml").read_text().replace('name = "torch"', "name = 1", 1))
    with pytest.raises(BadInput, match=r"not a valid pylock\.toml"):
        read_manifest(path)


def test_format_of_an_unknown_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot read this kind of file") as caught:
        format_of(tmp_path / "notes.md", "# torch\n")
    assert "pyproject.toml" in caught.value.hint
