"""`lock --core`: the decisions that a release must get right, by the JSON that scripts read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cases import LINUX, newest
from packaging.version import Version

from compatmatrix.matrix import Matrix
from compatmatrix.model.cuda import Cuda

from .conftest import Answer, Ask

KEYS = {"schema", "command", "stack", "build", "index", "proof", "rejected", "packages"}


@pytest.fixture
def decide(ask: Ask) -> Any:
    def call(*argv: str, python: str = "3.11") -> Answer:
        where = ("--platform", LINUX, "--python-version", python, "--glibc", "2.35")
        return ask("lock", "--core", "--json", *where, *argv)

    return call


def torch_of(answer: Answer) -> Version:
    assert answer.status == 0, answer.err
    return Version(Version(answer.json["stack"]["torch"]).public)


def serving(matrix: Matrix, arch: str) -> Version:
    """The newest torch of which any build holds this architecture."""
    return next(
        torch for torch in matrix.torches if any(arch in map(str, b.archs) for b in matrix.builds_for(torch, LINUX))
    )


def test_v100_with_driver_580(decide: Any, matrix: Matrix) -> None:
    answer = decide("--gpu", "Tesla V100", "--driver", "580.65.06")
    assert answer.json["build"] == "cu126"
    assert torch_of(answer) == newest(matrix, "cu126")
    assert answer.json["index"]["torch"].endswith("/cu126")
    assert "arch-missing" in {finding["code"] for one in answer.json["rejected"] for finding in one["findings"]}


def test_gtx_1080_ti_with_driver_570(decide: Any, matrix: Matrix) -> None:
    answer = decide("--gpu", "GTX 1080 Ti", "--driver", "570.86.15")
    assert answer.json["build"] == "cu126"
    assert torch_of(answer) == newest(matrix, "cu126")


def test_rtx_5090_with_driver_575(decide: Any, matrix: Matrix) -> None:
    answer = decide("--gpu", "RTX 5090", "--driver", "575.51.03")
    cuda = Cuda.from_tag(answer.json["build"])
    assert cuda is not None
    assert cuda.major == 12
    assert cuda >= Cuda(12, 8)
    assert torch_of(answer) >= Version("2.7")


def test_h200_with_driver_535(decide: Any, matrix: Matrix) -> None:
    answer = decide("--gpu", "h200", "--driver", "535.104.05")
    assert answer.json["build"].startswith("cu12")
    assert torch_of(answer) == newest(matrix, "cu12")


def test_h200_with_driver_580(decide: Any, matrix: Matrix) -> None:
    answer = decide("--gpu", "h200", "--driver", "580.65.06", "--prefer", "newest")
    assert torch_of(answer) == newest(matrix)
    assert answer.json["index"]["torch"] == "pypi"


def test_k80_with_driver_470(decide: Any, matrix: Matrix) -> None:
    answer = decide("--gpu", "K80", "--driver", "470.256.02", "--prefer", "newest")
    last = serving(matrix, "sm_37")
    assert torch_of(answer) == last
    assert answer.json["build"].startswith("cu11")
    assert f"torch {last} ({answer.json['build']}) is the last with code for Tesla K80" in answer.err
    assert any("is the last with code" in note for note in answer.json["notes"])


def test_a100_with_driver_450(decide: Any, matrix: Matrix) -> None:
    answer = decide("--gpu", "A100", "--driver", "450.80.02", "--prefer", "newest")
    assert answer.json["build"].startswith("cu11")
    assert torch_of(answer) == newest(matrix, "cu11")


def test_a100_with_a_driver_below_the_floor(decide: Any) -> None:
    answer = decide("--gpu", "A100", "--driver", "450.80.01")
    assert answer.status == 1
    assert answer.json["stack"] is None
    assert "driver-too-old" in {finding["code"] for one in answer.json["rejected"] for finding in one["findings"]}
    assert "driver 450.80.02 would unlock" in answer.err


def test_no_gpu(decide: Any, matrix: Matrix) -> None:
    answer = decide("--no-gpu", "--prefer", "newest")
    assert answer.json["build"] == "cpu"
    assert torch_of(answer) == newest(matrix, "cpu")


def test_v100_together_with_b200(decide: Any, matrix: Matrix) -> None:
    answer = decide("--gpu", "Tesla V100", "--gpu", "B200", "--driver", "580.65.06", "--prefer", "newest")
    common = next(
        torch
        for torch in matrix.torches
        if any({"sm_70", "sm_100"} <= set(map(str, b.archs)) for b in matrix.builds_for(torch, LINUX))
    )
    assert torch_of(answer) == common
    (sentence,) = [note for note in answer.json["notes"] if "no single wheel" in note]
    assert f"torch {newest(matrix)}" in sentence
    assert f"torch {common}" in sentence
    assert sentence in answer.err


def test_python_3_8_with_an_rtx_4090_and_driver_550(decide: Any, matrix: Matrix) -> None:
    answer = decide("--gpu", "RTX 4090", "--driver", "550.54.15", "--prefer", "newest", python="3.8")
    assert torch_of(answer) == newest(matrix, "cu", python="3.8")
    assert answer.json["stack"]["python"] == "3.8"


def test_the_contract(decide: Any) -> None:
    data = decide("--gpu", "Tesla V100", "--driver", "580.65.06").json
    assert data.keys() >= KEYS
    assert (data["schema"], data["command"], data["packages"]) == (1, "lock", [])
    assert data["stack"].keys() >= {"python", "torch", "torchvision", "fastai"}
    assert data["proof"] is None or data["proof"].keys() == {"level", "record"}
    for one in data["rejected"]:
        assert one.keys() >= {"stack", "findings"}
        for finding in one["findings"]:
            assert finding.keys() >= {"code", "severity", "message", "hint", "fix", "packages", "evidence", "where"}
            assert finding["severity"] in ("error", "warning", "unknown")


def test_a_refusal_has_the_same_keys(decide: Any) -> None:
    answer = decide("--gpu", "RTX 5090", "--driver", "575.51.03", "torch<2.7")
    assert answer.status == 1
    assert answer.json.keys() >= KEYS
    assert answer.json["stack"] is None
    assert "arch-missing" in answer.err


def test_plain_output_is_what_pip_takes(ask: Ask, server: list[str]) -> None:
    answer = ask("lock", "--core", *server, "--no-gpu", "torch==2.2.2", "timm")
    assert answer.status == 0
    lines = answer.out.splitlines()
    assert lines[0].startswith("--extra-index-url ")
    assert lines[0].endswith("/cpu")
    assert {"torch==2.2.2+cpu", "torchvision==0.17.2+cpu", "timm", "numpy<2"} <= set(lines)


def test_it_says_for_which_host_it_decided(ask: Ask, server: list[str]) -> None:
    answer = ask("lock", "--core", *server, "--gpu", "h200", "--driver", "535.104.05")
    assert (
        "decided for linux-x86_64, glibc 2.35, Python 3.11; NVIDIA H200 (9.0); driver 535.104.05 (given)" in answer.err
    )


@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        (["--no-gpu", "torch==99.9"], 2, "error[unknown-release]"),
        (["--no-gpu", "torch=2.5"], 2, "is not a requirement"),
        (["--no-gpu", "--gpu", "h200"], 2, "which of them?"),
        (["--gpu", "RTX 6000", "--driver", "580.65.06"], 2, "different generations"),
        (["--gpu", "Voodoo 2", "--driver", "580.65.06"], 2, "no such GPU"),
        (["--gpu", "h200"], 3, "error[host-unknown]"),
        (["--no-gpu", "numpy==2.1", "torch<2.3"], 1, "numpy-abi"),
        (["--no-gpu", "torch==2.5.1+cu999"], 1, "no build"),
    ],
)
def test_exit_status(ask: Ask, server: list[str], argv: list[str], status: int, words: str) -> None:
    answer = ask("lock", "--core", *server, *argv)
    assert answer.status == status
    assert words in answer.err
    assert answer.out == ""


def test_mirror(ask: Ask, server: list[str]) -> None:
    answer = ask("lock", "--core", *server, "--no-gpu", "--torch-index-url", "https://mirror.example/whl/")
    assert answer.out.startswith("--extra-index-url https://mirror.example/whl/cpu\n")


def test_output_goes_to_a_file(ask: Ask, server: list[str], tmp_path: Path) -> None:
    target = tmp_path / "core.json"
    answer = ask("lock", "--core", "--json", *server, "--no-gpu", "-o", target)
    assert (answer.status, answer.out) == (0, "")
    assert json.loads(target.read_text())["build"] == "cpu"


def test_a_failed_command_leaves_the_old_file(ask: Ask, server: list[str], tmp_path: Path) -> None:
    target = tmp_path / "core.txt"
    target.write_text("old")
    assert ask("lock", "--core", *server, "--no-gpu", "-o", target, "torch==1.13.1", "numpy==2.1").status == 1
    assert target.read_text() == "old"


def test_the_same_question_gives_the_same_bytes(decide: Any) -> None:
    argv = ("--gpu", "Tesla V100", "--driver", "580.65.06", "timm", "pandas<3")
    assert decide(*argv).out == decide(*argv).out


def host_file(folder: Path, name: str, gpu: str, driver: str, **changes: Any) -> Path:
    data = {
        "schema": 1,
        "python": "3.11",
        "platform": LINUX,
        "libc": "glibc 2.35",
        "driver": driver,
        "gpus": [{"name": gpu}],
        **changes,
    }
    data["gpus"] = {"value": [{"name": gpu, "capability": changes.pop("capability", "8.0")}]}
    path = folder / name
    path.write_text(json.dumps(data))
    return path


def test_several_hosts_get_one_stack_for_all(ask: Ask, tmp_path: Path) -> None:
    old = host_file(tmp_path, "old.json", "A100", "470.256.02", capability="8.0")
    new = host_file(tmp_path, "new.json", "A10", "580.65.06", capability="8.6")
    together = ask("lock", "--core", "--json", "--host", old, "--host", new)
    assert together.status == 0
    assert together.json["build"].startswith("cu11")
    alone = ask("lock", "--core", "--json", "--host", new)
    assert Version(alone.json["stack"]["torch"]) > Version(together.json["stack"]["torch"])


def test_a_gpu_is_held_against_the_driver_of_its_own_host(ask: Ask, tmp_path: Path) -> None:
    """An H100 needs R520 or later, and has it; that the A100 of the other host has R470 is no obstacle to cu118."""
    old = host_file(tmp_path, "old.json", "A100", "470.256.02", capability="8.0")
    new = host_file(tmp_path, "new.json", "H100", "580.65.06", capability="9.0")
    assert ask("lock", "--core", "--json", "--host", old, "--host", new).json["build"] == "cu118"


def test_hosts_that_differ_in_python_or_platform_get_a_stack_each(ask: Ask, tmp_path: Path) -> None:
    one = host_file(tmp_path, "one.json", "A100", "470.256.02")
    other = host_file(tmp_path, "other.json", "A100", "580.65.06", python="3.12", platform="linux-aarch64")
    answer = ask("lock", "--core", "--host", one, "--host", other)
    assert answer.status == 0
    assert answer.out.count("fastai==") == 2
    assert f"for {one}" in answer.out and f"for {other}" in answer.out
    answer = ask("explain", "--host", one, "--host", other)
    assert answer.status == 2
    assert answer.err.count("the hosts differ in") == 2


def test_an_option_outweighs_the_host_file(ask: Ask, tmp_path: Path) -> None:
    path = host_file(tmp_path, "one.json", "A100", "470.256.02")
    answer = ask("lock", "--core", "--json", "--host", path, "--driver", "580.65.06")
    assert answer.json["host"]["driver"] == {"value": "580.65.06", "origin": "given"}


@pytest.mark.parametrize(
    ("text", "status"),
    [("", 3), ("{", 3), ("[]", 3), ("\x00", 3), ('{"schema": 2}', 3), ("[" * 100_000, 3)],
    ids=["empty", "cut", "list", "NUL", "other schema", "deep"],
)
def test_broken_host_file(ask: Ask, tmp_path: Path, text: str, status: int) -> None:
    path = tmp_path / "host.json"
    path.write_text(text)
    answer = ask("lock", "--core", "--host", path)
    assert answer.status == status
    assert answer.err.startswith("error[")
    assert "host.json" in answer.err


def test_missing_host_file(ask: Ask, tmp_path: Path) -> None:
    assert ask("lock", "--core", "--host", tmp_path / "nowhere.json").status == 3


@pytest.mark.parametrize(
    ("argv", "gpu"),
    [
        (("--gpu", "rtx4090", "--driver", "R535"), "NVIDIA GeForce RTX 4090 (8.9); driver R535"),
        (("--cc", "sm_89", "--driver", "535"), "(8.9); driver R535"),
        (("--cc", "120", "--driver", "v580.65"), "(12.0); driver 580.65"),
        (("--gpu", "h200@580"), "NVIDIA H200 (9.0); driver R580"),
    ],
)
def test_as_people_write_hosts(ask: Ask, server: list[str], argv: tuple[str, ...], gpu: str) -> None:
    answer = ask("lock", "--core", *server, *argv)
    assert answer.status == 0
    assert gpu in answer.err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--gpu", "RTX 4O90", "--driver", "535"), "did you mean NVIDIA GeForce RTX 4090"),
        (("--gpu", "T4", "--driver", "12.4"), "that may be CUDA's"),
        (("--cc", "7"), "such as 8.6"),
        (("--cc", "99", "--driver", "580"), "9.9 is not a capability in the matrix; the nearest is 9.0"),
        (("--gpu", "A100", "--cc", "7.0", "--driver", "580"), "which of them?"),
        (("--gpu", "A100", "--gpu", "T4", "--cc", "8.0", "--driver", "580"), "which of them?"),
        (("--no-gpu", "-f", "pixi"), "one of: requirements, json"),
        (("--no-gpu", "-f", "uv", "--json"), "--json is -f json"),
        (("--no-gpu", "torch==2.5.7"), "nearest: 2.5.1 and 2.6.0"),
        (("--no-gpu", "torch==99"), "nearest: "),
    ],
)
def test_what_is_not_understood_is_answered_with_what_may_be_meant(
    ask: Ask, server: list[str], argv: tuple[str, ...], words: str
) -> None:
    answer = ask("lock", "--core", *server, *argv)
    assert answer.status == 2
    assert words in answer.err


def test_a_capability_confirms_the_gpu_that_was_named(decide: Any) -> None:
    gpus = decide("--gpu", "A100", "--cc", "8.0", "--driver", "580").json["host"]["gpus"]["value"]
    assert [(gpu["name"], gpu["capability"]) for gpu in gpus] == [("A100", "8.0")]


def test_a_capability_newer_than_the_matrix_is_heard(decide: Any) -> None:
    answer = decide("--cc", "99.0", "--driver", "580")
    assert "is not a capability" not in answer.err


WARNED = ("--no-gpu", "fastai==2.7.19", "torch==2.5.1")


def test_strict_writes_nothing_where_the_stack_has_warnings(
    ask: Ask, decide: Any, server: list[str], tmp_path: Path
) -> None:
    assert decide(*WARNED).status == 0
    answer = decide(*WARNED, "--strict", "-o", str(tmp_path / "lock.json"))
    assert answer.status == 1
    assert answer.json["error"]["slug"] == "warnings"
    assert "Weights only load failed" in answer.json["error"]["problems"][0]
    assert not list(tmp_path.iterdir())
    assert ask("explain", *server, *WARNED).status == 0
    assert ask("explain", *server, *WARNED, "--strict").status == 1
    assert decide("--no-gpu", "--strict").status == 0
