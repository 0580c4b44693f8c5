"""Real uv against a real index on this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from serve_index import Index, sdist, serve, torch_world, wheel

import compatmatrix
from compatmatrix.emit.requirements import render
from compatmatrix.errors import IndexUnavailable, NoSolution, ToolFailed, UsageError
from compatmatrix.lock.closure import lock
from compatmatrix.model.decision import Decision
from compatmatrix.model.lock import Lock

from .conftest import make_decision, make_host

Told = tuple[list[str], Callable[[str], None]]


def solve(world: Index, decision: Decision, **more: object) -> Lock:
    return lock(decision, default_index=world.url("simple"), **more)  # type: ignore[arg-type]


def versions(solved: Lock) -> dict[str, str]:
    return {package.name: str(package.version) for package in solved.packages}


def test_the_whole_closure_with_torch_from_its_index_alone(world: Index) -> None:
    url = world.url("whl/cu126")
    solved = solve(world, make_decision(index_url=url))
    assert versions(solved) == {
        "fastai": "2.99.0",
        "fastcore": "1.5.0",
        "numpy": "1.26.4",
        "packaging-lite": "1.0",
        "pillow": "12.0.0",
        "torch": "9.9.9+cu126",
        "torchvision": "0.99.9+cu126",
    }
    assert {package.name for package in solved.packages if package.index == url} == {"torch", "torchvision"}
    assert all(package.hashes == tuple(sorted(package.hashes)) and package.hashes for package in solved.packages)


def test_hashes_are_those_of_the_wheels_that_fit(world: Index) -> None:
    solved = solve(world, make_decision(index_url=world.url("whl/cu126")))
    numpy = next(package for package in solved.packages if package.name == "numpy")
    files = [file for file in world.trees["simple"]["numpy"] if "1.26.4" in file.name and "win" not in file.name]
    # All that fit; older releases of uv also name the others.
    assert set(numpy.hashes) >= {f"sha256:{file.sha256}" for file in files}


def test_same_question_same_bytes(world: Index, monkeypatch: pytest.MonkeyPatch, empty: Path) -> None:
    decision = make_decision(index_url=world.url("whl/cu126"))
    first = render(solve(world, decision))
    monkeypatch.setenv("UV_CACHE_DIR", str(empty / "cache"))
    monkeypatch.setenv("UV_TORCH_BACKEND", "cpu")
    monkeypatch.setenv("UV_RESOLUTION", "lowest")
    monkeypatch.setenv("UV_NO_SOURCES", "1")
    monkeypatch.chdir(empty)
    (empty / "pyproject.toml").write_text('[tool.uv]\nconstraint-dependencies = ["numpy<1"]\n')
    assert render(solve(world, decision)) == first


def test_pypis_own_build(world: Index) -> None:
    pins = ("torch==9.9.9", "torchvision==0.99.9", "fastai==2.99.0")
    solved = solve(world, make_decision(pins=pins))
    assert versions(solved)["torch"] == "9.9.9"
    assert {package.index for package in solved.packages} == {""}


def test_a_relative_of_torch_that_a_package_pulls_in_comes_in_the_same_flavour(world: Index) -> None:
    solved = solve(world, make_decision("fastaudio-like", index_url=world.url("whl/cu126")))
    assert versions(solved)["torchaudio"] == "9.9.9+cu126"


def test_only_what_has_no_wheel_is_built(world: Index, told: Told) -> None:
    said, ear = told
    solved = solve(world, make_decision("onlysource", index_url=world.url("whl/cu126")), progress=ear)
    assert versions(solved)["onlysource"] == "1.0"
    assert versions(solved)["pillow"] == "12.0.0"
    assert said[-1] == "no wheel fits the host, so built from source: onlysource"
    source = next(package for package in solved.packages if package.name == "onlysource")
    assert source.hashes == (f"sha256:{world.trees['simple']['onlysource'][0].sha256}",)


def test_sources_behind_sources(empty: Path) -> None:
    with serve() as world:
        torch_world(world)
        world.add("simple", sdist("outer", "1.0", ["inner"]), sdist("inner", "1.0"))
        solved = solve(world, make_decision("outer", index_url=world.url("whl/cu126")))
    assert versions(solved).keys() >= {"outer", "inner"}


@pytest.mark.parametrize("python", ["3.7", "3.8.18", "3.14"])
def test_old_and_new_pythons(python: str) -> None:
    with serve() as world:
        torch_world(world)
        world.add("simple", wheel("numpy", "1.21.6", tag="cp37-cp37m-manylinux_2_17_x86_64"))
        world.add("simple", wheel("picky", "2.0", requires_python=">=3.9"), wheel("picky", "1.0"))
        decision = make_decision("picky", index_url=world.url("whl/cu126"), host=make_host(python=python))
        solved = solve(world, decision)
    assert versions(solved)["picky"] == ("2.0" if python == "3.14" else "1.0")


def test_no_solution_says_why(world: Index) -> None:
    decision = make_decision("fastcore<1", index_url=world.url("whl/cu126"))
    with pytest.raises(NoSolution, match="fastcore") as caught:
        solve(world, decision)
    assert "the requested stack depends on fastcore<1" in str(caught.value)


def test_unreachable_index_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(IndexUnavailable, match=address) as caught:
        lock(make_decision(pins=("torch==9.9.9",)), default_index=f"http://me:secret@{address}/simple")
    assert "secret" not in str(caught.value)


def test_credentials_are_used_and_never_shown(world: Index) -> None:
    url = world.url("whl/cu126").replace("//", "//me:secret@")
    solved = lock(make_decision(index_url=url), default_index=world.url("simple").replace("//", "//me:secret@"))
    assert "secret" not in render(solved)


def test_offline_has_only_the_cache(world: Index, monkeypatch: pytest.MonkeyPatch, empty: Path) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(empty))
    with pytest.raises(IndexUnavailable, match="cache") as caught:
        solve(world, make_decision(index_url=world.url("whl/cu126")), offline=True)
    assert "--offline" in caught.value.hint


def test_time_limit() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        with pytest.raises(IndexUnavailable, match="no answer within"):
            lock(make_decision(pins=("torch==9.9.9",)), default_index=url, timeout=0.5)


def test_missing_uv_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(ToolFailed) as caught:
        lock(make_decision())
    assert "pip install uv" in caught.value.hint


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_interrupt_leaves_nothing(empty: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        code = (
            "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]);"
            "from lock.conftest import make_decision; from compatmatrix.lock.closure import lock;"
            f"lock(make_decision(pins=('torch==9.9.9',)), default_index={url!r}, work_dir=Path({str(empty)!r}))"
        )
        root = Path(compatmatrix.__file__).parent.parent
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(root / "tests")], cwd=root, stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 10
        while not any(empty.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert any(empty.iterdir())
        time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        _, stderr = child.communicate(timeout=10)
    assert "KeyboardInterrupt" in stderr
    assert list(empty.iterdir()) == []


INTERPRETER = """#!{python}
import json, subprocess, sys
done = subprocess.run([{python!r}, *sys.argv[1:]], capture_output=True, text=True)
out = done.stdout
if "gil_disabled" in out:
    # What such an interpreter answers to uv; everything else is this one's.
    said = json.loads(out)
    said |= {{"gil_disabled": True, "sys_executable": sys.argv[0]}}
    version = {{"python_version": "3.13", "python_full_version": "3.13.5", "implementation_version": "3.13.5"}}
    said["markers"].update(version)
    out = json.dumps(said)
sys.stdout.write(out)
sys.exit(done.returncode)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a script as interpreter")
def test_the_wheels_of_a_free_threaded_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: Path
) -> None:
    tags = ("cp313-cp313-manylinux_2_17_x86_64", "cp313-cp313t-manylinux_2_17_x86_64")
    files = [wheel("compiled", "1.0", tag=tag) for tag in tags]
    decision = make_decision(pins=("compiled==1.0",), constraints=(), host=make_host(python="3.13t"))
    fake = tmp_path / "python3.13t"
    fake.write_text(INTERPRETER.format(python=sys.executable))
    fake.chmod(0o755)
    with serve() as index:
        index.add("simple", *files)
        monkeypatch.setenv("PATH", str(empty))
        monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(empty))
        with pytest.raises(UsageError, match=r"there is no 3\.13t here") as caught:
            lock(decision, default_index=index.url("simple"))
        assert "uv python install 3.13t" in caught.value.hint
        monkeypatch.setenv("PATH", str(tmp_path))
        (package,) = lock(decision, default_index=index.url("simple")).packages
    assert [file.name for file in package.files] == [files[1].name]
