from __future__ import annotations

import json
from pathlib import Path

import pytest
from cases import SMALL

from .conftest import Ask, MakeVenv

HOST = ("--platform", "linux-x86_64", "--glibc", "2.35")
NO_GPU = (*HOST, "--no-gpu")
FINDING = {"code", "severity", "message", "hint", "fix", "packages", "evidence", "where"}


def test_a_healthy_environment(ask: Ask, venv: MakeVenv) -> None:
    root = venv(
        "torch==2.5.1",
        "torchvision==0.20.1",
        "fastai==2.7.18",
        "fastcore==1.7.29",
        "numpy==2.1.3",
        torch="2.5.1+cu124",
        torchvision="0.20.1+cu124",
    )
    for argv in (NO_GPU, (*HOST, "--gpu", "RTX 4090", "--driver", "535.104.05")):
        answer = ask("check", "--python", root, *argv)
        assert answer.status == 0
        assert answer.out.splitlines()[-1] == "compatible"
        assert "error" not in answer.out
        assert "warning" not in answer.out
        assert "hint" not in answer.out
        assert answer.err == ""
        assert ask("check", "--python", root, *argv, "--json").json["findings"] == []


def test_numpy_2_below_torch_1_13(ask: Ask, venv: MakeVenv) -> None:
    root = venv("torch==1.13.1", "numpy==2.2.6", torch="1.13.1+cu117")
    answer = ask("check", "--python", root, *NO_GPU)
    assert answer.status == 1
    assert "error[numpy-abi]: numpy 2.2.6" in answer.out
    assert "repair:" in answer.out
    (command,) = [line.strip() for line in answer.out.splitlines() if "-m pip install" in line]
    assert str(root / "bin/python") in command
    assert command.endswith("'numpy<2'")
    assert "--force-reinstall" not in command
    data = ask("check", "--python", root, *NO_GPU, "--json").json
    assert data["verdict"] == "incompatible"
    (finding,) = data["findings"]
    assert finding["code"] == "numpy-abi"
    assert finding["fix"] == ["numpy<2"]


def test_cpu_torch_with_the_torchvision_of_pypi(ask: Ask, venv: MakeVenv) -> None:
    root = venv(
        "torch==2.13.0+cpu", "torchvision==0.28.0", torch="2.13.0+cpu", torchvision="0.28.0+cu130", installer="uv"
    )
    answer = ask("check", "--python", root, *NO_GPU)
    assert answer.status == 1
    assert "error[torchvision-mismatch]" in answer.out
    first, second = [line.strip() for line in answer.out.splitlines() if "uv pip install" in line]
    assert first.endswith("--no-deps --default-index https://download.pytorch.org/whl/cpu torchvision==0.28.0+cpu")
    assert "torchvision==0.28.0+cpu" in second
    assert "unsafe" not in answer.out


def test_the_repaired_environment_is_healthy(ask: Ask, venv: MakeVenv) -> None:
    root = venv("torch==2.13.0+cpu", "torchvision==0.28.0+cpu", torch="2.13.0+cpu", torchvision="0.28.0+cpu")
    assert ask("check", "--python", root, *NO_GPU).status == 0


def test_a_plain_torch_on_an_old_gpu(ask: Ask, venv: MakeVenv) -> None:
    root = venv("torch==2.13.0", torch="2.13.0+cu130")
    answer = ask("check", "--python", root, *HOST, "--gpu", "Tesla V100", "--driver", "580.65.06", "--json")
    assert answer.status == 1
    (finding,) = answer.json["findings"]
    assert finding["code"] == "arch-missing"
    assert finding["fix"] == ["torch==2.13.0+cu126"]


def test_a_cpu_build_on_a_gpu_and_without(ask: Ask, venv: MakeVenv) -> None:
    root = venv("torch==2.13.0+cpu", torch="2.13.0+cpu")
    assert ask("check", "--python", root, *NO_GPU).status == 0
    answer = ask("check", "--python", root, *HOST, "--gpu", "A100", "--driver", "580.65.06")
    assert answer.status == 1
    assert "error[cpu-build-on-gpu]" in answer.out


@pytest.mark.parametrize("pins", [(), ("numpy==2.0.0", "requests==2.32.0")], ids=["empty", "neither torch nor fastai"])
def test_nothing_to_judge(ask: Ask, venv: MakeVenv, pins: tuple[str, ...]) -> None:
    root = venv(*pins)
    answer = ask("check", "--python", root, *NO_GPU)
    assert answer.status == 0
    assert answer.out.splitlines()[-1].startswith("unknown (nothing to judge here")
    assert ask("check", "--python", root, *NO_GPU, "--json").json["verdict"] == "unknown"
    assert ask("check", "--python", root, *NO_GPU, "--strict").status == 1


def test_strict_counts_unknowns(ask: Ask, venv: MakeVenv) -> None:
    root = venv("torch==2.8.0", torch="2.8.0+cu128")
    argv = ("check", "--python", root, *HOST, "--gpu", "A100")
    assert ask(*argv, "--json").json["verdict"] == "unknown"
    assert ask(*argv).status == 0
    assert ask(*argv, "--strict").status == 1
    assert ask(*argv, "--driver", "580.65.06", "--strict").status == 0


def test_strict_counts_warnings(ask: Ask, tmp_path: Path) -> None:
    matrix = tmp_path / "matrix.toml"
    limit = """[[limit]]
package = "numpy"
allowed = "<2"
when = { torch = "" }
severity = "warning"
symptom = "made up"
source = "made up"
method = "inferred"
checked = "2024-01-31"
"""
    matrix.write_text(SMALL.replace("limit = []\n", "") + limit)
    path = requirements(tmp_path, "torch==2.8.0\nnumpy==2.2.6\n")
    argv = ("check", path, *NO_GPU, "--python-version", "3.11", "--matrix", matrix)
    assert ask(*argv).out.startswith(f"{path}:2: warning[known-bad]: numpy 2.2.6")
    assert ask(*argv).status == 0
    assert ask(*argv, "--json").json["verdict"] == "compatible"
    assert ask(*argv, "--strict").status == 1


def test_the_contract(ask: Ask, venv: MakeVenv) -> None:
    data = ask("check", "--python", venv("torch==1.13.1", "numpy==2.2.6"), *NO_GPU, "--json").json
    assert data.keys() >= {"schema", "command", "verdict", "findings", "stack", "host"}
    assert (data["schema"], data["command"]) == (1, "check")
    assert data["stack"]["numpy"]["version"] == "2.2.6"
    assert data["host"]["platform"] == {"value": "linux-x86_64", "origin": "given"}
    for finding in data["findings"]:
        assert finding.keys() == FINDING
        assert finding["evidence"][0].keys() == {"source", "checked"}


def test_none_of_its_code_is_run(ask: Ask, venv: MakeVenv) -> None:
    """The environment's torch raises when imported; its python is a file that cannot run."""
    root = venv("torch==2.8.0", torch="2.8.0+cpu")
    (root / "bin/python").unlink()
    (root / "bin/python").write_text("#!/bin/false\n")
    (root / "bin/python").chmod(0o755)
    assert ask("check", "--python", root, *NO_GPU).status == 0


# Files.


def requirements(folder: Path, text: str | bytes, name: str = "requirements.txt") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_healthy_files_get_not_a_word(ask: Ask, tmp_path: Path) -> None:
    path = requirements(tmp_path, "torch==2.8.0\ntorchvision==0.23.0\nfastai==2.8.4\nnumpy>=2\n")
    assert ask("check", path, *NO_GPU, "--python-version", "3.11") == (0, "", "")


def test_a_finding_names_file_and_line(ask: Ask, tmp_path: Path) -> None:
    path = requirements(tmp_path, "# pins\nfastai==2.7.12\ntorch==1.13.1\ntorchvision==0.14.1\nnumpy==2.2.6\n")
    answer = ask("check", path, *NO_GPU, "--python-version", "3.10")
    assert answer.status == 1
    assert answer.out.startswith(f"{path}:5: error[numpy-abi]")
    data = ask("check", path, *NO_GPU, "--python-version", "3.10", "--json").json
    assert data["findings"][0]["where"] == {"file": str(path), "line": 5}


def test_a_finding_in_an_included_file(ask: Ask, tmp_path: Path) -> None:
    base = requirements(tmp_path, "\ntorchvision==0.19.0\n", "base.txt")
    path = requirements(tmp_path, "-r base.txt\ntorch==2.8.0\n")
    data = ask("check", path, *NO_GPU, "--python-version", "3.11", "--json").json
    assert [finding["code"] for finding in data["findings"]] == ["torchvision-mismatch"]
    assert data["findings"][0]["where"] in (
        {"file": str(path), "line": 2},
        {"file": str(base), "line": 2},
    )


def test_several_files(ask: Ask, tmp_path: Path) -> None:
    good = requirements(tmp_path, "torch==2.8.0\n", "good.txt")
    bad = requirements(tmp_path, "torch==2.2.2\nnumpy==2.0.0\n", "bad.txt")
    answer = ask("check", good, bad, *NO_GPU, "--python-version", "3.11")
    assert answer.status == 1
    assert str(good) not in answer.out
    assert f"{bad}:2: error[numpy-abi]" in answer.out


def test_nothing_to_judge_in_a_file(ask: Ask, tmp_path: Path) -> None:
    path = requirements(tmp_path, "requests==2.32.0\n")
    assert ask("check", path, *NO_GPU, "--python-version", "3.11").status == 0
    assert ask("check", path, *NO_GPU, "--python-version", "3.11", "--json").json["verdict"] == "unknown"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(b"torch==2.8.0\n\n# \xff\n", "requirements.txt:3: not UTF-8", id="not UTF-8"),
        pytest.param("torch=2.8.0\n", "requirements.txt:1: ", id="not a requirement"),
        pytest.param("torch==2.8.0\n-r requirements.txt\n", "includes itself", id="cycle"),
        pytest.param("-r nowhere.txt\n", "nowhere.txt: No such file", id="missing include"),
    ],
)
def test_files_that_cannot_be_read(ask: Ask, tmp_path: Path, text: str | bytes, words: str) -> None:
    answer = ask("check", requirements(tmp_path, text), *NO_GPU, "--python-version", "3.11")
    assert (answer.status, answer.out) == (3, "")
    assert answer.err.startswith("error[bad-input]: ")
    assert words in answer.err


def test_missing_file(ask: Ask, tmp_path: Path) -> None:
    answer = ask("check", tmp_path / "nowhere.txt", *NO_GPU, "--python-version", "3.11")
    assert answer.status == 3
    assert "No such file" in answer.err


@pytest.mark.parametrize("option", ["--index-url", "--extra-index-url"])
def test_the_build_that_an_index_line_names_is_not_judged_as_that_of_pypi(
    ask: Ask, tmp_path: Path, option: str
) -> None:
    path = requirements(tmp_path, f"{option} https://download.pytorch.org/whl/cu126\ntorch==2.13.0\n")
    where = (*HOST, "--python-version", "3.11", "--gpu", "Tesla V100", "--driver", "580.65.06")
    assert ask("check", path, *where).status == 0


def test_json_is_one_document(ask: Ask, tmp_path: Path) -> None:
    one = requirements(tmp_path, "torch==2.8.0\n", "one.txt")
    other = requirements(tmp_path, "numpy==2.0.0\n", "other.txt")
    answer = ask("check", one, other, *NO_GPU, "--python-version", "3.11", "--json")
    assert json.loads(answer.out)["stack"].keys() == {"torch", "numpy"}


# Several hosts.


def host_file(folder: Path, name: str, gpu: str, capability: str, driver: str) -> Path:
    path = folder / name
    facts = {"schema": 1, "python": "3.11", "platform": "linux-x86_64", "libc": "glibc 2.35", "driver": driver}
    path.write_text(json.dumps({**facts, "gpus": [{"name": gpu, "capability": capability}]}))
    return path


def test_each_host_is_judged_and_the_failing_one_is_named(ask: Ask, venv: MakeVenv, tmp_path: Path) -> None:
    root = venv("torch==2.9.1", "torchvision==0.24.1", torch="2.9.1+cu128", torchvision="0.24.1+cu128")
    new = host_file(tmp_path, "new.json", "NVIDIA H200", "9.0", "580.65.06")
    old = host_file(tmp_path, "old.json", "Tesla V100-SXM2-16GB", "7.0", "470.57.02")
    argv = ("check", "--python", root, "--host", new, "--host", old)
    answer = ask(*argv)
    assert answer.status == 1
    assert answer.out.splitlines()[-1] == f"fails on {old}"
    assert answer.out.count("error[driver-too-old]") == 1
    data = ask(*argv, "--json").json
    assert [(host["name"], host["verdict"]) for host in data["hosts"]] == [
        (str(new), "compatible"),
        (str(old), "incompatible"),
    ]
    assert data["verdict"] == "incompatible"
    assert data["hosts"][0]["repair"] is None
    assert data["hosts"][1]["repair"]["changes"][0]["requirement"].endswith("+cu118")
    fine = ask("check", "--python", root, "--gpu", "h200@580.65.06", "--gpu", "A100@535.104.05")
    assert fine.status == 0
    assert fine.out.splitlines()[-1] == "compatible on all 2 hosts"


def test_an_environment_keeps_its_python_on_every_host(ask: Ask, venv: MakeVenv, tmp_path: Path) -> None:
    """The host's Python 3.11 has no torch 1.9; the environment brings its own 3.8."""
    root = venv("torch==1.9.1", torch="1.9.1+cu102", python="3.8.18")
    old = host_file(tmp_path, "old.json", "Tesla V100-SXM2-16GB", "7.0", "470.57.02")
    assert ask("check", "--python", root, "--host", old).status == 0
    assert ask("check", "--python", root, "--host", old, "--python-version", "3.11").status == 1


def test_files_for_each_host(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("torch==2.9.1\n")
    argv = ("check", path, *HOST, "--python-version", "3.11", "--gpu", "V100@470.57.02", "--gpu", "H200@580.65.06")
    answer = ask(*argv)
    assert answer.status == 1
    assert "on V100, driver 470.57.02: incompatible" in answer.out
    assert "on H200, driver 580.65.06: compatible" in answer.out
    assert [host["verdict"] for host in ask(*argv, "--json").json["hosts"]] == ["incompatible", "compatible"]


def test_the_repair_is_in_the_json_as_well(ask: Ask, venv: MakeVenv) -> None:
    root = venv("torch==1.13.1", "numpy==2.2.6", torch="1.13.1+cu117")
    repair = ask("check", "--python", root, *NO_GPU, "--json").json["repair"]
    fixed = ask("fix", "--python", root, *NO_GPU, "--json").json
    assert repair == {key: fixed[key] for key in ("changes", "commands", "manual")}
    assert repair["changes"] == [{"name": "numpy", "from": "2.2.6", "requirement": "numpy<2", "index": None}]
    healthy = venv("torch==2.5.1", "numpy==2.1.3", torch="2.5.1+cu124")
    assert ask("check", "--python", healthy, *NO_GPU, "--json").json["repair"] is None
