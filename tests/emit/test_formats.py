"""What holds for every format: golden files, determinism, no secrets, lazy loading.

UPDATE_GOLDEN=1 writes the golden files anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import compatmatrix
from compatmatrix.emit import FORMATS, container, load
from compatmatrix.errors import UsageError
from compatmatrix.model.lock import Lock

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(autouse=True)
def fixed_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release of ours must not change the golden files."""
    monkeypatch.setattr(compatmatrix, "__version__", "1.2.3")


@pytest.fixture
def short_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a change of the smoke run, which is tested by itself."""
    monkeypatch.setattr(container, "script", lambda name: f"# {name}\n")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.usefixtures("short_scripts")
def test_golden(name: str, named_lock: tuple[str, Lock]) -> None:
    which, lock = named_lock
    form = load(name)
    text = form.render(lock)
    # The two formats for conda write the same file.
    path = GOLDEN / f"{which}-{'conda-forge.yml' if name == 'conda-forge' else form.filename}"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), "UPDATE_GOLDEN=1 accepts this"


@pytest.mark.parametrize("name", FORMATS)
def test_what_every_format_promises(name: str, named_lock: tuple[str, Lock]) -> None:
    _, lock = named_lock
    form = load(name)
    text = form.render(lock)
    assert form.name == name
    assert text == form.render(lock)
    assert text.endswith("\n") and not text.endswith("\n\n")
    assert "secret" not in text
    assert not any(line != line.rstrip() for line in text.splitlines())


# What runs elsewhere names the lock by its digest; pixi has no markers, so what does not apply is left out; the builds
# of conda-forge are solved by conda.
@pytest.mark.parametrize(
    "name", [name for name in FORMATS if name not in ("compose", "k8s-job", "pixi", "conda-forge")]
)
def test_every_package_is_there(name: str, named_lock: tuple[str, Lock]) -> None:
    _, lock = named_lock
    text = load(name).render(lock)
    for package in lock.packages:
        assert f"{package.version}" in text


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "json"])
def test_a_note_cannot_leave_its_comment(name: str, cuda_lock: Lock) -> None:
    assert not any(line.strip().startswith("--index-url") for line in load(name).render(cuda_lock).splitlines())


def test_unknown_format_names_the_known() -> None:
    with pytest.raises(UsageError, match="nonsense") as caught:
        load("nonsense")
    assert "requirements" in caught.value.hint


def test_formats_are_loaded_when_asked_for() -> None:
    code = (
        "import sys, compatmatrix.emit as e; assert not [m for m in sys.modules if m.startswith('compatmatrix.emit.')];"
        "e.load('requirements'); assert 'requests' not in sys.modules and 'compatmatrix.emit.conda' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(compatmatrix.__file__).parent.parent)
