"""`check FILE…` on the files that people have: what is found, where, and for which host."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Ask

SAMPLES = Path(__file__).resolve().parent.parent / "manifests" / "samples"
LINUX = ("--platform", "linux-x86_64", "--python-version", "3.12", "--glibc", "2.35")
NO_GPU = (*LINUX, "--no-gpu")
V100 = (*LINUX, "--gpu", "Tesla V100", "--driver", "580.65.06")
GAMER = (*LINUX, "--gpu", "RTX 4090", "--driver", "535.104.05")

BROKEN = {
    "requirements.txt": "# pins\ntorchvision==0.19.0\n{}torch==2.8.0\n",
    "pyproject.toml": "[project]\nname = 'x'\ndependencies = [\n  'torch==2.8.0',\n  'torchvision==0.19.0']\n",
    "environment.yml": "dependencies:\n- python=3.12\n- pip:\n  - torch==2.8.0\n  - torchvision==0.19.0\n",
    "Dockerfile": "FROM python:3.12-slim\nRUN pip install \\\n  requests \\\n  torch==2.8.0 torchvision==0.19.0\n",
    "poetry.toml": "[tool.poetry.dependencies]\n\n\ntorch = '2.8.0'\ntorchvision = '0.19.0'\n",
}


@pytest.mark.parametrize(("name", "line"), list(zip(BROKEN, [2, 5, 5, 4, 5], strict=True)))
def test_a_finding_names_file_and_line(ask: Ask, tmp_path: Path, name: str, line: int) -> None:
    path = tmp_path / name
    path.write_text(BROKEN[name].replace("{}", ""))
    answer = ask("check", path, *NO_GPU)
    assert answer.status == 1
    assert answer.out.startswith(
        f"{path}:{line}: error[torchvision-mismatch]: torchvision 0.19.0 does not fit torch 2.8.0"
    )


@pytest.mark.parametrize("name", BROKEN)
def test_healthy_ones_get_not_a_word(ask: Ask, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(BROKEN[name].replace("{}", "").replace("0.19.0", "0.23.0"))
    assert ask("check", path, *NO_GPU) == (0, "", "")


@pytest.mark.parametrize("name", ["uv.lock", "pylock.toml", "poetry.lock", "pdm.lock", "Pipfile.lock"])
def test_locks_with_a_build_for_an_old_gpu(ask: Ask, name: str) -> None:
    """cu126 has code for it, PyPI's own build of this release as well; the driver of 2021 runs neither."""
    assert ask("check", SAMPLES / name, *V100) == (0, "", "")
    answer = ask("check", SAMPLES / name, *LINUX, "--gpu", "Tesla V100", "--driver", "470.82.01")
    assert answer.status == 1
    assert "error[driver-too-old]" in answer.out


def test_conda_packages_are_judged_by_their_cuda(ask: Ask) -> None:
    path = SAMPLES / "conda-lock.yml"
    assert ask("check", path, *V100) == (0, "", "")
    answer = ask("check", path, *LINUX, "--gpu", "Tesla V100", "--driver", "470.82.01")
    assert answer.status == 1
    assert f"{path}:16: error[driver-too-old]: driver 470.82.01 is too old for CUDA 12.6" in answer.out


def test_which_host_could_run_it(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("\ntorch==2.13.0\n")
    answer = ask("check", path, *LINUX)
    assert answer.status == 0
    assert answer.out.startswith(f"note: {path}:2: torch 2.13.0 (cu130): needs driver 580.65.06 or later and a GPU of")
    assert "7.5, 8.0" in answer.out
    assert "7.0" not in answer.out
    (note,) = ask("check", path, *LINUX, "--json").json["notes"]
    assert note in answer.out
    assert ask("check", path, *NO_GPU).out == ""


def test_no_python_fits(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[project]\nrequires-python = '>=3.12'\ndependencies = ['torch==2.0.1']\n")
    answer = ask("check", path, "--platform", "linux-x86_64", "--no-gpu", "--json")
    assert [finding["code"] for finding in answer.json["findings"]] == ["python-unsupported"]
    assert answer.json["findings"][0]["where"]["line"] == 3


def test_the_python_of_an_image_counts(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text("FROM python:3.13-slim\nRUN pip install torch==2.0.1\n")
    answer = ask("check", path, "--no-gpu")
    assert answer.status == 1
    assert f"{path}:2: error[python-unsupported]: torch 2.0.1 has no wheel for Python 3.13" in answer.out
    path.write_text("FROM ubuntu:24.04\nRUN pip install torch==2.0.1\n")
    assert ask("check", path, "--no-gpu").status == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fastai==2.8.4\ntorch>=2.9\n", ":2: error[fastai-mismatch]: no choice within torch>=2.9 works here"),
        ("torch==2.2.0\nnumpy>=2\n", ":2: error[numpy-abi]: no choice within numpy>=2 works here"),
        ("torch>=2.8,<2.9\ntorchvision<0.20\n", "error[torchvision-mismatch]: no choice within"),
    ],
)
def test_ranges_that_leave_nothing(ask: Ask, tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text(text)
    answer = ask("check", path, *NO_GPU)
    assert answer.status == 1
    assert words in answer.out


@pytest.mark.parametrize(
    "text",
    [
        "torch>=2\ntorchvision>=0.15\nfastai>=2.7\nnumpy>=1\n",
        "torch\ntorchvision\nfastai\n",
        "torch==2.2.0\nnumpy\n",
        "torch==2.2.0\nnumpy>=1.20,!=1.24.0\n",
        "torch>=99\nfastai==2.8.4\ntorchvision==0.23.0\n",
        "torch~=2.8.0\ntorchvision==0.23.*\n",
    ],
)
def test_ranges_that_leave_something(ask: Ask, tmp_path: Path, text: str) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text(text)
    assert ask("check", path, *NO_GPU) == (0, "", "")


def test_an_image_whose_cuda_is_newer_than_the_driver(ask: Ask, tmp_path: Path) -> None:
    """Wheels of CUDA 12.6 run on R535; the image does not start, unless the card is one for data centres."""
    path = tmp_path / "Dockerfile"
    path.write_text("FROM nvidia/cuda:12.6.3-base-ubuntu22.04\nRUN pip install torch==2.8.0\n")
    answer = ask("check", path, *GAMER)
    assert answer.status == 1
    assert answer.out.startswith(f"{path}:1: error[container-driver]: driver 535.104.05 is too old for the image")
    assert ask("check", path, *LINUX, "--gpu", "A100", "--driver", "535.104.05").status == 0
    path.write_text("FROM python:3.12-slim\nRUN pip install torch==2.8.0\n")
    assert ask("check", path, *GAMER).status == 0


IMAGE = "FROM pytorch/pytorch:2.4.1-cuda12.1-cudnn9-runtime\n"
ARGS = "ARG TORCH=2.4.1\nARG CUDA=12.1\nFROM pytorch/pytorch:${TORCH}-cuda${CUDA}-cudnn9-devel\n\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{IMAGE}RUN pip install fastai torchvision==0.17.0\n", ":2: error[torchvision-mismatch]: torchvision 0.17.0"),
        (f"{ARGS}RUN pip install torchaudio==2.0.1\n", ":5: error[torchaudio-mismatch]: torchaudio 2.0.1"),
        (f"{IMAGE}RUN pip install fastai==2.7.12\n", ":2: error[fastai-mismatch]: fastai 2.7.12"),
        (f"{IMAGE.replace('2.4.1', '2.2.0')}RUN pip install numpy==2.0.2\n", ":2: error[numpy-abi]: numpy 2.0.2"),
        (f"{IMAGE}RUN pip install torch==2.6.0 fastai\n", ":2: error[torchvision-mismatch]: torch 2.6.0 replaces"),
        (f"{IMAGE}RUN pip install torch==2.6.0\n", ":2: warning[torchvision-mismatch]: torch 2.6.0 replaces"),
    ],
)
def test_the_torch_that_an_image_brings(ask: Ask, tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text(text)
    answer = ask("check", path, *NO_GPU)
    assert answer.out.startswith(f"{path}{words}")
    assert answer.status == ("error" in words)


@pytest.mark.parametrize(
    "text",
    [
        f"{IMAGE}RUN pip install fastai torchvision torch numpy\n",
        f"{IMAGE}RUN pip install torch==2.6.0 torchvision fastai\n",
        f"{IMAGE}RUN pip install torch==2.4.1 torchvision==0.19.1 fastai==2.7.19\n",
        "FROM pytorch/pytorch\nRUN pip install torchvision==0.17.0\n",
        f"{ARGS.replace('=2.4.1', '')}RUN pip install torchvision==0.17.0\n",
    ],
)
def test_an_image_that_is_used_as_it_is(ask: Ask, tmp_path: Path, text: str) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text(text)
    assert ask("check", path, *NO_GPU) == (0, "", "")


def test_alpine_and_tags_that_never_were(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text("FROM nvidia/cuda:12.6-base-ubuntu22.04\nFROM python:3.12-alpine\nRUN pip install torch==2.8.0\n")
    answer = ask("check", path, *NO_GPU)
    assert answer.status == 1
    assert f"{path}:3: error[platform-unsupported]: python:3.12-alpine is an Alpine system" in answer.out
    assert f"{path}:1: warning[other]: nvidia/cuda has no tag '12.6-base-ubuntu22.04'" in answer.out
    assert "take nvidia/cuda:12.6.3-base-ubuntu22.04" in answer.out


def test_torch_of_conda_beside_torchvision_of_pip(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "environment.yml"
    path.write_text("dependencies:\n- pytorch=2.5.1\n- pip:\n  - torchvision==0.20.1\n")
    answer = ask("check", path, *NO_GPU)
    assert answer.out.startswith(f"{path}:4: warning[conda-mixed]")
    assert answer.status == 0
    assert ask("check", path, *NO_GPU, "--strict").status == 1


def test_conda_joins_the_releases_of_a_minor(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "environment.yml"
    path.write_text("dependencies:\n- python=3.12\n- pytorch=2.7.1\n- torchvision=0.22.0\n")
    assert ask("check", path, *NO_GPU) == (0, "", "")
    path.write_text("dependencies:\n- python=3.12\n- pytorch=2.7.1\n- torchvision=0.21.0\n")
    assert "error[torchvision-mismatch]" in ask("check", path, *NO_GPU).out


def test_a_cpu_build_in_a_file_is_meant(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named by the user, a GPU is what the file is for; that this machine happens to have one says nothing."""
    path = tmp_path / "requirements.txt"
    path.write_text("torch==2.8.0+cpu\n")
    assert "cpu-build-on-gpu" in ask("check", path, *V100).out
    host = tmp_path / "host.json"
    host.write_text(ask("inspect", *V100, "--json").out.replace('"given"', '"nvidia-smi"'))
    assert ask("check", path, "--host", host).status == 0


def test_a_change_that_asks_more_of_hosts(ask: Ask, tmp_path: Path) -> None:
    old, new = tmp_path / "old.tmp", tmp_path / "requirements.txt"
    old.write_text("torch==2.8.0\n")
    new.write_text("# bumped\ntorch==2.13.0\n")
    answer = ask("check", new, "--diff-base", old, *NO_GPU)
    assert answer.status == 0
    assert (
        f"{new}:2: warning[driver-floor-raised]: this change raises the driver floor from 525.60.13 to 580.65.06 "
        "(torch 2.8.0 (cu128) to torch 2.13.0 (cu130))" in answer.out
    )
    assert "warning[gpus-dropped]: this change drops GPUs of capability 7.0" in answer.out
    assert ask("check", old, "--diff-base", old, *NO_GPU).status == 3  # the name says nothing, and it is no base
    assert ask("check", new, "--diff-base", new, *NO_GPU) == (0, "", "")
    assert ask("check", new, "--diff-base", old, "--diff-base", old, *NO_GPU).status == 2
    assert ask("check", "--diff-base", old, *NO_GPU).status == 2


BAD = {
    "pyproject.toml": (b"[project\n", ":1: not TOML"),
    "environment.yml": (b"dependencies:\n  - a\n - b\n", ":3: not YAML"),
    "uv.lock": (b"version = 7\n", ":1: version 7 of uv.lock is not known"),
    "Pipfile.lock": (b"{", ":1: not JSON"),
    "Dockerfile": (b"RUN \xff", ":1: not UTF-8"),
    "requirements.txt": (b"-r requirements.txt", "includes itself"),
    "constraints.txt": (b"\n-c nowhere.txt", ":2: "),
    "notes.md": (b"# torch", "cannot read this kind of file"),
}


def test_all_that_cannot_be_read_is_told_at_once(ask: Ask, tmp_path: Path) -> None:
    for name, (raw, _) in BAD.items():
        (tmp_path / name).write_bytes(raw)
    answer = ask("check", *(tmp_path / name for name in BAD), *NO_GPU)
    assert (answer.status, answer.out) == (3, "")
    for name, (_, words) in BAD.items():
        assert any(str(tmp_path / name) in line and words in line for line in answer.err.splitlines()), name
    assert "Traceback" not in answer.err


def test_a_huge_file(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "uv.lock"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    answer = ask("check", path, *NO_GPU)
    assert answer.status == 3
    assert "larger than" in answer.err
