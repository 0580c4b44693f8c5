"""`lock` and `dockerfile` with everything around the decision: files, formats, existing locks, several hosts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.pylock import Pylock
from serve_index import Index, serve, wheel

from compatmatrix.emit import FORMATS
from compatmatrix.manifests.toml_lines import load as load_toml

from .conftest import Answer, Ask
from .small_world import HOST, V100, publish

pytestmark = pytest.mark.usefixtures("private_settings")


@pytest.fixture
def world(ask: Ask) -> Iterator[Index]:
    with serve() as index:
        publish(index, ask)
        yield index


@pytest.fixture
def lock(ask: Ask, world: Index) -> Callable[..., Answer]:
    def call(*argv: str | Path, command: str = "lock") -> Answer:
        indexes = ("--index-url", world.url("simple"), "--torch-index-url", world.url("whl"))
        return ask(command, *HOST, *V100, "--prefer", "newest", *indexes, *argv)

    return call


Call = Callable[..., Answer]


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_by_its_name(lock: Call, form: str) -> None:
    answer = lock("-f", form)
    assert answer.status == 0, answer.err
    assert "cu126" in answer.out
    assert lock("-f", form).out == answer.out


def test_pylock_names_where_torch_came_from(lock: Call, world: Index, tmp_path: Path) -> None:
    answer = lock("-f", "pylock", "-o", tmp_path / "pylock.toml")
    assert answer.status == 0, answer.err
    text = (tmp_path / "pylock.toml").read_text()
    read = Pylock.from_dict(load_toml(tmp_path / "pylock.toml", text))
    torch = next(package for package in read.packages if package.name == "torch")
    assert torch.index == world.url("whl/cu126")
    assert torch.wheels and str(torch.wheels[0].url).startswith(world.url("whl/cu126"))


def test_what_files_ask_for_is_locked(lock: Call, tmp_path: Path) -> None:
    (tmp_path / "requirements.in").write_text("timm>=1\n-c limits.txt\n")
    (tmp_path / "limits.txt").write_text("numpy<3\n")
    project = '[project]\nname = "x"\ndependencies = []\n[dependency-groups]\ndev = ["rich"]\n'
    (tmp_path / "pyproject.toml").write_text(project)
    where = ("-r", tmp_path / "requirements.in", "-r", tmp_path / "pyproject.toml", "--group", "dev")
    answer = lock("--json", *where)
    assert answer.status == 0, answer.err
    assert {"timm", "rich"} <= {package["name"] for package in answer.json["packages"]}
    assert "numpy<3" in answer.json["constraints"]


@pytest.mark.parametrize(
    ("text", "words"),
    [("timm\n???\n", "requirements.in:2: "), ("-r gone.txt\n", "gone.txt"), ("-r requirements.in\n", "itself")],
)
def test_a_bad_file_writes_nothing(lock: Call, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "requirements.in").write_text(text)
    target = tmp_path / "out.txt"
    target.write_text("old")
    answer = lock("-r", tmp_path / "requirements.in", "-o", target)
    assert (answer.status, answer.out) == (3, "")
    assert words in answer.err
    assert target.read_text() == "old"


def test_existing_versions_are_kept_until_told_otherwise(lock: Call, world: Index, tmp_path: Path) -> None:
    target = tmp_path / "requirements.txt"
    assert lock("-o", target, "timm").status == 0
    world.add("simple", wheel("timm", "1.1.0", ["torch"]), wheel("numpy", "2.4.0"))
    assert lock("-o", target, "timm").status == 0
    assert "timm==1.0.0" in target.read_text() and "numpy==2.3.0" in target.read_text()
    assert lock("-o", target, "timm", "--upgrade-package", "timm").status == 0
    assert "timm==1.1.0" in target.read_text() and "numpy==2.3.0" in target.read_text()
    assert lock("-o", target, "timm", "--upgrade").status == 0
    assert "numpy==2.4.0" in target.read_text()


def test_the_stack_of_an_existing_lock_is_kept(lock: Call, world: Index, tmp_path: Path) -> None:
    target = tmp_path / "requirements.txt"
    older = "torch==2.9.1"
    for tree, local in (("whl/cu126", "+cu126"), ("simple", "")):
        world.add(tree, wheel("torch", f"2.9.1{local}", tag="cp312-cp312-manylinux_2_28_x86_64"))
        world.add(tree, wheel("torchvision", f"0.24.1{local}", tag="cp312-cp312-manylinux_2_28_x86_64"))
    assert lock("-o", target, older).status == 0
    before = target.read_text()
    assert lock("-o", target).status == 0
    assert target.read_text() == before
    answer = lock("--check", target)
    assert answer.status == 0, answer.out + answer.err
    assert "lock --upgrade" in answer.err
    answer = lock("-o", target, "--upgrade")
    assert answer.status == 0
    assert "torch==2.9.1" not in target.read_text()


READABLE = ("requirements", "constraints", "pylock", "uv", "conda", "dockerfile", "slurm", "json")
QUICK = {("there", "requirements"), ("there", "pylock"), ("there", "uv"), ("there", "conda"), ("gone", "requirements")}


@pytest.mark.parametrize(
    ("index", "form"),
    [
        pytest.param(index, form, marks=() if (index, form) in QUICK else pytest.mark.slow)
        for index in ("there", "gone")
        for form in READABLE
    ],
)
def test_locking_onto_a_lock_changes_nothing(lock: Call, world: Index, tmp_path: Path, index: str, form: str) -> None:
    """Nor does newer news: what is locked is kept, and the file says why its build was taken."""
    from compatmatrix.emit import load

    gone = ("--torch-index-url", world.url("nothing")) if index == "gone" else ()
    target = tmp_path / load(form).filename
    assert lock("-f", form, "-o", target, "timm", *gone).status == 0
    before = target.read_text()
    assert ("the PyTorch index was not used" in before) == bool(gone)
    world.add("simple", wheel("timm", "1.1.0", ["torch"]), wheel("numpy", "2.4.0"))
    answer = lock("-f", form, "-o", target, "timm", *gone)
    assert (answer.status, target.read_text()) == (0, before), answer.err
    assert lock("--check", target, "timm", *gone).out == f"{target}: up to date\n"


def test_a_lock_from_pypi_stays_so_when_the_index_is_back(lock: Call, world: Index, tmp_path: Path) -> None:
    target = tmp_path / "requirements.txt"
    assert lock("-o", target, "--torch-index-url", world.url("nothing")).status == 0
    before = target.read_text()
    assert lock("-o", target).status == 0
    assert target.read_text() == before
    assert lock("-o", target, "-U").status == 0
    assert "+cu126" in target.read_text() and "was not used" not in target.read_text()


def test_a_locked_build_is_not_swapped_because_its_index_is_gone(lock: Call, world: Index, tmp_path: Path) -> None:
    target = tmp_path / "requirements.txt"
    assert lock("-o", target).status == 0
    before = target.read_text()
    answer = lock("-o", target, "--torch-index-url", world.url("nothing"))
    assert answer.status == 3
    assert "wheel-missing" in answer.err
    assert target.read_text() == before


def test_locking_over_platforms_onto_a_lock_changes_nothing(lock: Call, world: Index, tmp_path: Path) -> None:
    target = tmp_path / "requirements.txt"
    assert lock("--universal", "-o", target).status == 0
    before = target.read_text()
    world.add("simple", wheel("numpy", "2.4.0"))
    assert lock("--universal", "-o", target).status == 0
    assert target.read_text() == before


def test_check_says_what_would_change(lock: Call, tmp_path: Path) -> None:
    target = tmp_path / "requirements.txt"
    assert lock("-o", target).status == 0
    assert lock("--check", target).out == f"{target}: up to date\n"
    answer = lock("--check", target, "timm")
    assert answer.status == 1
    assert f"{target}: timm 1.0.0 is needed and not locked" in answer.out
    assert lock("--check", target, "--json", "timm").json["changes"] == ["timm 1.0.0 is needed and not locked"]
    answer = lock("--check", target, "torch<2.5")
    assert answer.status == 1
    assert "torch<2.5 is asked for" in answer.out


def test_check_says_that_it_fits_the_host_no_more(lock: Call, ask: Ask, tmp_path: Path) -> None:
    target = tmp_path / "requirements.txt"
    assert lock("-o", target).status == 0
    other = ("--gpu", "RTX 5090", "--driver", "580.65.06")
    answer = ask("lock", "--core", "--check", target, *HOST, *other)
    assert answer.status == 1
    assert "the locked stack does not fit this host" in answer.out
    assert "arch-missing" in answer.out
    assert ask("lock", "--core", "--check", target, *HOST, *V100).status == 0


@pytest.mark.parametrize(("text", "status"), [("\x00", 3), ("", 3), ("torch==\n", 3), ("{", 3), (None, 3)])
def test_check_of_what_is_no_lock(ask: Ask, tmp_path: Path, text: str | None, status: int) -> None:
    target = tmp_path / "requirements.txt"
    if text is not None:
        target.write_text(text)
    answer = ask("lock", "--core", "--check", target, *HOST, *V100)
    assert answer.status == status
    assert answer.err.splitlines()[-1].startswith(("error[", "hint:"))


def test_several_hosts_in_a_folder(ask: Ask, tmp_path: Path) -> None:
    gpus = ("--gpu", "Tesla V100@470.256.02", "--gpu", "RTX 5090@580.65.06")
    answer = ask("lock", "--core", *HOST, *gpus, "-o", tmp_path / "locks")
    assert answer.status == 0, answer.err
    names = sorted(path.name for path in (tmp_path / "locks").iterdir())
    assert len(names) == 2
    assert all(name.startswith("requirements-cu") for name in names)
    assert "2 locks for 2 hosts" in answer.err
    shown: Any = ask("lock", "--core", "--json", *HOST, *gpus).json
    assert sorted(name for one in shown["locks"] for name in one["hosts"]) == [
        "RTX 5090, driver 580.65.06",
        "Tesla V100, driver 470.256.02",
    ]


def test_several_locks_need_a_folder(ask: Ask, tmp_path: Path) -> None:
    gpus = ("--gpu", "Tesla V100@470.256.02", "--gpu", "RTX 5090@580.65.06")
    (tmp_path / "one.txt").write_text("old")
    answer = ask("lock", "--core", *HOST, *gpus, "-o", tmp_path / "one.txt")
    assert answer.status == 2
    assert "name a folder with -o" in answer.err
    assert (tmp_path / "one.txt").read_text() == "old"


def test_a_host_without_answer_stops_all(ask: Ask, tmp_path: Path) -> None:
    gpus = ("--gpu", "RTX 5090@450.80.02", "--gpu", "H200@580.65.06")
    answer = ask("lock", "--core", *HOST, *gpus, "-o", tmp_path / "locks")
    assert answer.status == 1
    assert "RTX 5090, driver 450.80.02:" in answer.err
    assert not (tmp_path / "locks").exists()
    told = ask("lock", "--core", "--json", *HOST, *gpus).json
    assert (told["stack"], told["locks"], told["packages"]) == (None, [], [])
    assert [row["host"] for row in told["unserved"]] == ["RTX 5090, driver 450.80.02"]


def test_dockerfile_as_json(lock: Call, tmp_path: Path) -> None:
    text = lock(command="dockerfile").out
    answer = lock("--json", command="dockerfile")
    assert answer.status == 0, answer.err
    assert (answer.json["command"], answer.json["dockerfile"]) == ("dockerfile", text)
    assert answer.json.keys() - {"dockerfile"} == lock("--json").json.keys()
    written = lock("--json", "-o", tmp_path / "Dockerfile", command="dockerfile")
    assert written.json["dockerfile"] == (tmp_path / "Dockerfile").read_text()
    refused = lock("--json", "torch==2.5.1", "fastai==2.7.12", command="dockerfile")
    assert (refused.status, refused.json["stack"]) == (1, None)
    assert refused.json.keys() == answer.json.keys() - {"dockerfile"}


def test_universal(lock: Call, world: Index) -> None:
    answer = lock("--universal", "--json")
    assert answer.status == 0, answer.err
    torches = [package for package in answer.json["packages"] if package["name"] == "torch"]
    assert {"+cu126" in package["version"] for package in torches} == {True, False}
    assert all(package["marker"] for package in torches)
    assert any(note.startswith("also locked for ") for note in answer.json["notes"])
    assert lock("--universal", "-f", "dockerfile").status == 2
    assert lock("--universal", "--core").status == 2


def test_a_mac_whose_system_is_not_known_is_one_that_torch_runs_on(ask: Ask) -> None:
    mac = ("--platform", "macos-arm64", "--python-version", "3.12", "--no-gpu", "--index", "pypi", "--prefer", "newest")
    stack = ask("lock", "--core", "--json", *mac).json["stack"]
    with serve() as index:
        for name in ("torch", "torchvision"):
            index.add("simple", wheel(name, stack[name], tag="cp312-cp312-macosx_14_0_arm64"))
        index.add("simple", wheel("fastai", stack["fastai"]))
        answer = ask("lock", *mac, "--index-url", index.url("simple"))
    assert answer.status == 0, answer.err
    assert "# host: macos-arm64, Python 3.12, macos 14.0\n" in answer.out


def test_a_free_threaded_python_that_is_not_here(ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path))
    argv = ("--platform", "linux-x86_64", "--glibc", "2.36", "--python-version", "3.14t", "--index", "pypi", "--no-gpu")
    assert ask("lock", "--core", *argv).status == 0
    answer = ask("lock", *argv)
    assert answer.status == 2
    assert "free-threaded" in answer.err


def test_dockerfile_in_a_folder_with_all_that_goes_beside_it(lock: Call, tmp_path: Path) -> None:
    answer = lock("-o", tmp_path, "--compose", command="dockerfile")
    assert answer.status == 0, answer.err
    assert (tmp_path / ".dockerignore").read_text() == "*\n!compatmatrix\n"
    assert "+cu126 \\\n    --hash=sha256:" in (tmp_path / "compatmatrix/requirements.txt").read_text()
    assert (tmp_path / "compatmatrix/run_smoke.py").is_file()
    text = (tmp_path / "Dockerfile").read_text()
    assert "\nFROM python:3.12-slim\n" in text
    assert 'NVIDIA_REQUIRE_CUDA="driver>=525.60.13,arch>=5.0"' in text
    service = yaml.safe_load((tmp_path / "compose.yaml").read_text())["services"]["smoke"]
    assert service["labels"]["org.compatmatrix.lock"] in text


@pytest.mark.parametrize(("base", "flavour"), [("nvidia-base", "base"), ("nvidia-devel", "devel")])
def test_dockerfile_on_an_image_that_exists(lock: Call, matrix: Any, base: str, flavour: str) -> None:
    text = lock("--base", base, command="dockerfile").out
    image = next(line.removeprefix("FROM ") for line in text.splitlines() if line.startswith("FROM "))
    rows = {f"{row['repository']}:{row['tag']}": row for row in matrix.tables["image"]}
    assert rows[image]["flavour"] == flavour
    assert rows[image]["cuda"] == "12.6"
    # The uv that resolved the lock knows the lock's Python.
    assert f"COPY --from=ghcr.io/astral-sh/uv:{version('uv')} /uv " in text


def test_dockerfile_with_a_compiler_where_something_must_compile(lock: Call) -> None:
    assert "\nFROM nvidia/cuda:12.6" in lock("onlysource", command="dockerfile").out
    assert lock("onlysource", command="dockerfile").out == lock("onlysource", "-f", "dockerfile").out
    assert "\nFROM python:3.12-slim\n" in lock("onlysource", "--base", "slim", command="dockerfile").out


def test_dockerfile_for_the_cpu_has_no_cuda_image(ask: Ask, tmp_path: Path) -> None:
    from compatmatrix.errors import UsageError
    from compatmatrix.matrix import load_matrix
    from compatmatrix.resolve.images import cuda_image

    with pytest.raises(UsageError, match="no CUDA"):
        cuda_image("cpu", "base", load_matrix())


def test_json_of_a_lock_is_a_lock(lock: Call, tmp_path: Path) -> None:
    target = tmp_path / "lock.json"
    assert lock("--json", "-o", target).status == 0
    assert json.loads(target.read_text())["packages"]
    assert lock("--check", target).status == 0


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_credentials_of_a_mirror_are_not_shown(ask: Ask, more: tuple[str, ...]) -> None:
    answer = ask("lock", "--core", *HOST, *V100, "--torch-index-url", "https://me:s3cret@mirror.example/whl", *more)
    assert "https://mirror.example/whl/cu126" in answer.out
    assert "s3cret" not in answer.out + answer.err
