from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import uv
from serve_index import Index, serve, wheel

from .conftest import Ask, MakeVenv

HOST = ("--platform", "linux-x86_64", "--glibc", "2.35")
NO_GPU = (*HOST, "--no-gpu")
V100 = (*HOST, "--gpu", "Tesla V100", "--driver", "580.65.06")


def shown(out: str) -> list[str]:
    """The commands below "repair:"."""
    lines = out.partition("repair:\n")[2].splitlines()
    return [line.strip() for line in lines if line.startswith("  ") and " install " in line]


# Environments.


def test_a_healthy_environment(ask: Ask, venv: MakeVenv) -> None:
    root = venv("torch==2.5.1", "numpy==2.1.3", torch="2.5.1+cu124")
    answer = ask("fix", "--python", root, *NO_GPU)
    assert answer.status == 0
    assert "nothing to do" in answer.out
    data = ask("fix", "--python", root, *NO_GPU, "--json").json
    assert (data["verdict"], data["changes"], data["commands"]) == ("compatible", [], [])


def test_one_package_moves_and_the_others_stay(ask: Ask, venv: MakeVenv) -> None:
    root = venv("torch==1.13.1", "numpy==2.2.6", "fastai==2.7.12", torch="1.13.1+cu117")
    answer = ask("fix", "--python", root, *NO_GPU)
    assert answer.status == 1, "shown, not done"
    (command,) = shown(answer.out)
    assert command == f"'{root}/bin/python' -m pip install 'numpy<2' fastai==2.7.12"
    assert "stays: fastai 2.7.12, torch 1.13.1+cu117" in answer.out
    data = ask("fix", "--python", root, *NO_GPU, "--json").json
    assert data["changes"] == [{"name": "numpy", "from": "2.2.6", "requirement": "numpy<2", "index": None}]
    assert data["applied"] is False
    assert data["keeps"]["torch"] == "1.13.1+cu117"


def test_check_shows_the_same_repair(ask: Ask, venv: MakeVenv) -> None:
    root = venv("torch==1.13.1", "numpy==2.2.6", torch="1.13.1+cu117", installer="uv")
    assert shown(ask("check", "--python", root, *NO_GPU).out) == shown(ask("fix", "--python", root, *NO_GPU).out)


@pytest.mark.parametrize(
    ("installer", "words"),
    [
        ("uv", ["uv pip install", "--reinstall-package torch ", "torch==2.13.0"]),
        ("pip", ["pip install torch===2.13.0"]),
    ],
)
def test_another_build_of_the_same_version_is_forced(
    ask: Ask, venv: MakeVenv, installer: str, words: list[str]
) -> None:
    pins = ("torch==2.13.0+cpu", "torchvision==0.28.0")
    root = venv(*pins, torch="2.13.0+cpu", torchvision="0.28.0+cu130", installer=installer)
    (command,) = shown(ask("fix", "--python", root, *NO_GPU, "--index", "pypi").out)
    assert all(word in command for word in words)
    assert "torchvision" not in command


def test_the_index_of_a_build_is_named(ask: Ask, venv: MakeVenv) -> None:
    root = venv("torch==2.13.0", torch="2.13.0+cu130", installer="uv")
    first, second = shown(ask("fix", "--python", root, *V100, "--offline").out)
    assert "--no-deps --default-index https://download.pytorch.org/whl/cu126 torch==2.13.0+cu126" in first
    assert "-index" not in second
    assert second.endswith(" torch==2.13.0+cu126")
    mirror = ask("fix", "--python", root, *V100, "--offline", "--torch-index-url", "https://mirror.example/whl/")
    assert "--default-index https://mirror.example/whl/cu126" in shown(mirror.out)[0]


def test_an_index_that_cannot_be_reached_gives_way(ask: Ask, venv: MakeVenv) -> None:
    root = venv("torch==2.13.0", torch="2.13.0+cu130", installer="uv")
    nowhere = ("--torch-index-url", "http://127.0.0.1:9")
    answer = ask("fix", "--python", root, *V100, *nowhere)
    assert "the PyTorch index was not used (package index 127.0.0.1:9: " in answer.err
    (command,) = shown(answer.out)
    assert "+cu" not in command
    strict = ask("fix", "--python", root, *V100, *nowhere, "--index", "pytorch", "--apply")
    assert strict.status == 3
    assert "error[index-unavailable]" in strict.err


def test_what_the_user_asked_for_moves_last(ask: Ask, venv: MakeVenv) -> None:
    root = venv("torch==1.13.1", "numpy==2.2.6", torch="1.13.1+cu117")
    (record,) = root.glob("lib/python3.10/site-packages/numpy-2.2.6.dist-info")
    (record / "REQUESTED").touch()
    (command,) = shown(ask("fix", "--python", root, *NO_GPU).out)
    assert "numpy" not in command
    assert "torch==2" in command


def test_no_repair_exists(ask: Ask, venv: MakeVenv) -> None:
    root = venv("torch==2.13.0", torch="2.13.0+cu130")
    argv = ("fix", "--python", root, *HOST, "--gpu", "RTX 5090", "--driver", "550.54.14")
    answer = ask(*argv, "--apply")
    assert answer.status == 1
    assert "no other versions of these packages repair this" in answer.out
    assert "RTX 5090 (12.0), driver 550.54.14" in answer.out
    data = ask(*argv, "--json").json
    assert [cause["kind"] for cause in data["conflict"]] == ["gpu", "driver"]
    assert data["commands"] == []


def test_only_the_shell_can_take_a_variable_back(
    ask: Ask, venv: MakeVenv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = venv("torch==2.13.0", "torchvision==0.28.0", torch="2.13.0+cu130", torchvision="0.28.0+cu130")
    other = tmp_path / "other"
    (other / "torch").mkdir(parents=True)
    (other / "torch/__init__.py").touch()
    (other / "torch/version.py").write_text("__version__ = '2.13.0+cpu'\n")
    assert ask("fix", "--python", root, *NO_GPU).status == 0
    monkeypatch.setenv("PYTHONPATH", str(other))
    answer = ask("fix", "--python", root, *NO_GPU, "--apply")
    assert answer.status == 1
    assert "error[torchvision-mismatch]" in answer.out
    assert "unset PYTHONPATH" in answer.out
    assert shown(answer.out) == []


def test_for_a_warning_only_what_nobody_asked_for_moves(ask: Ask, venv: MakeVenv) -> None:
    pins = ("torch==2.10.0", "fastai==2.8.7", "fastcore==1.9.0", "pandas==3.0.0")
    root = venv(*pins, torch="2.10.0+cu128")
    where = ("--python", root, *NO_GPU)
    assert shown(ask("fix", *where).out)[0].endswith("install 'pandas<3' fastai==2.8.7")
    (record,) = root.glob("lib/python3.10/site-packages/pandas-3.0.0.dist-info")
    (record / "REQUESTED").touch()
    assert "nothing to do" in ask("fix", *where).out
    assert shown(ask("fix", *where, "--strict").out)[0] != ""


# Really done, by uv and by pip, with small wheels.


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Index]:
    """An index with two NumPys; no other setting or cache of this machine counts."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    with serve() as index:
        index.add("simple", wheel("numpy", "1.26.4"), wheel("numpy", "2.2.6"), wheel("torch", "2.2.2"))
        monkeypatch.setenv("PIP_INDEX_URL", index.url("simple"))
        yield index


def installed(world: Index, folder: Path, installer: str) -> Path:
    """A real environment with torch for NumPy 1 and NumPy 2; torch says that it is a CPU build."""
    if installer == "uv":
        subprocess.run([uv.find_uv_bin(), "venv", "-q", "--no-project", "-p", sys.executable, folder], check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    argv = [uv.find_uv_bin(), "pip", "install", "-q", "-p", folder, "--index-url", world.url("simple")]
    subprocess.run([*argv, "torch==2.2.2", "numpy==2.2.6"], check=True)
    (site,) = folder.glob("lib/python3*/site-packages")
    (site / "torch/version.py").write_text("__version__ = '2.2.2+cu121'\n")
    (site / "numpy-2.2.6.dist-info/REQUESTED").unlink(missing_ok=True)
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="the folders of a virtual environment differ")
@pytest.mark.parametrize(
    "installer",
    [
        "uv",
        pytest.param("pip", marks=pytest.mark.skipif(not importlib.util.find_spec("ensurepip"), reason="no ensurepip")),
    ],
)
def test_apply(ask: Ask, world: Index, tmp_path: Path, installer: str) -> None:
    root = installed(world, tmp_path / "real", installer)
    host = ("--platform", "linux-x86_64", "--glibc", "2.35", "--no-gpu", "--python-version", "3.11")
    assert ask("check", "--python", root, *host).status == 1
    answer = ask("fix", "--python", root, *host, "--apply", "--json")
    assert answer.status == 0, answer.err
    assert answer.json["applied"] is True
    assert answer.json["verdict"] == "compatible"
    assert answer.json["remaining"] == []
    assert ask("check", "--python", root, *host).status == 0
    assert list(root.glob("lib/*/site-packages/numpy-1.26.4.dist-info"))


def test_a_command_that_fails(ask: Ask, world: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = installed(world, tmp_path / "real", "uv")
    monkeypatch.setenv("PIP_INDEX_URL", f"{world.url('simple')}/nowhere")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty cache"))
    host = ("--platform", "linux-x86_64", "--glibc", "2.35", "--no-gpu", "--python-version", "3.11")
    answer = ask("fix", "--python", root, *host, "--apply")
    assert answer.status == 3
    assert "error[tool-failed]: uv pip install" in answer.err
    assert "hint: " in answer.err


# Files.

GUIDE = """\
# the pins of a guide
fastai==2.7.12    # 2023
torch == 1.13.1   # keep
torchvision==0.14.1 ; python_version > "3"
numpy==2.2.6      # oops
"""


def requirements(folder: Path, text: str, name: str = "requirements.txt") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


PY310 = (*NO_GPU, "--python-version", "3.10")


def test_a_file_is_shown_as_a_diff_and_left_alone(ask: Ask, tmp_path: Path) -> None:
    path = requirements(tmp_path, GUIDE)
    answer = ask("fix", path, *PY310)
    assert answer.status == 1
    changed = [line for line in answer.out.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert changed == ["-numpy==2.2.6      # oops", "+numpy<2      # oops"]
    assert path.read_text() == GUIDE


def test_a_file_is_changed_in_place(ask: Ask, tmp_path: Path) -> None:
    path = requirements(tmp_path, GUIDE.replace("\n", "\r\n"))
    assert ask("fix", path, *PY310, "--apply").status == 0
    assert path.read_bytes() == GUIDE.replace("numpy==2.2.6", "numpy<2").replace("\n", "\r\n").encode()
    assert ask("check", path, *PY310).status == 0
    again = ask("fix", path, *PY310, "--apply")
    assert again.status == 0
    assert "nothing to do" in again.out


def test_a_build_gets_its_index_line(ask: Ask, tmp_path: Path) -> None:
    path = requirements(tmp_path, "# ours\ntorch==2.13.0\ntorchvision==0.28.0\n")
    where = (*V100, "--python-version", "3.11")
    assert ask("fix", path, *where, "--apply").status == 0
    assert path.read_text().splitlines() == [
        "# ours",
        "--extra-index-url https://download.pytorch.org/whl/cu126",
        "torch==2.13.0+cu126",
        "torchvision==0.28.0+cu126",
    ]
    assert ask("check", path, *where).status == 0


def test_an_index_line_that_is_there_is_changed(ask: Ask, tmp_path: Path) -> None:
    line = "--index-url https://download.pytorch.org/whl/{}  # theirs\ntorch=={}\n"
    path = requirements(tmp_path, line.format("cu130", "2.13.0+cu130"))
    assert ask("fix", path, *V100, "--python-version", "3.11", "--apply").status == 0
    assert path.read_text() == line.format("cu126", "2.13.0+cu126")


def test_a_pin_in_an_include_is_changed_there(ask: Ask, tmp_path: Path) -> None:
    base = requirements(tmp_path, "numpy==2.2.6\n", "base.txt")
    path = requirements(tmp_path, "-r base.txt\ntorch==1.13.1\nfastai==2.7.12\n")
    assert ask("fix", path, *PY310, "--apply").status == 0
    assert base.read_text() == "numpy<2\n"
    assert path.read_text() == "-r base.txt\ntorch==1.13.1\nfastai==2.7.12\n"


def test_other_formats(ask: Ask, tmp_path: Path) -> None:
    text = '[project]\nname = "a"\nversion = "1"\ndependencies = [\n  "torch==1.13.1", # old\n  "numpy==2.2.6",\n]\n'
    path = requirements(tmp_path, text, "pyproject.toml")
    assert ask("fix", path, *PY310, "--apply").status == 0
    assert path.read_text() == text.replace("numpy==2.2.6", "numpy<2")


def test_files_are_changed_all_or_none(ask: Ask, tmp_path: Path) -> None:
    good = requirements(tmp_path, GUIDE)
    hashed = requirements(tmp_path, f"torch==1.13.1\nnumpy==2.2.6 --hash=sha256:{'0' * 64}\n", "hashed.txt")
    answer = ask("fix", good, hashed, *PY310, "--apply")
    assert answer.status == 3
    assert "hashed.txt:2: numpy is locked with hashes" in answer.err
    assert good.read_text() == GUIDE


def test_a_file_that_nothing_repairs(ask: Ask, tmp_path: Path) -> None:
    path = requirements(tmp_path, "torch==2.13.0\n")
    where = (*HOST, "--gpu", "RTX 5090", "--driver", "550.54.14", "--python-version", "3.11")
    answer = ask("fix", path, *where, "--apply")
    assert answer.status == 1
    assert "no other pins repair this" in answer.out
    data = ask("fix", path, *where, "--json").json
    assert data["files"][0]["diff"] == ""
    assert data["files"][0]["remaining"] != []


def test_the_files_of_nvidias_wheels_count_more_than_their_names(ask: Ask, venv: MakeVenv) -> None:
    """A CPU build has no business with them, and they stand in the way of no other repair."""
    pins = ("torch==1.13.1", "numpy==2.2.6", "nvidia-cudnn-cu11==8.5.0.96", "nvidia-cudnn-cu12==8.9.2.26")
    root = venv(*pins, torch="1.13.1+cpu")
    answer = ask("fix", "--python", root, *NO_GPU)
    assert "cuda-libs-conflict" not in answer.out
    assert shown(answer.out)[0].endswith("'numpy<2'")
