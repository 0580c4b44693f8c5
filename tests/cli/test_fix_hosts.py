"""`fix` for several hosts, and for a machine whose GPU nobody spoke of."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Ask, MakeVenv

WHERE = ("--python-version", "3.11", "--platform", "linux-x86_64", "--glibc", "2.35")
OLD_AND_NEW = ("--gpu", "V100@580.65.06", "--gpu", "RTX 5090@580.65.06", *WHERE)
OLD_DRIVER = ("--gpu", "V100@535.104.05", "--gpu", "RTX 4090@580.65.06", *WHERE)
NO_COMMON = ("--gpu", "K80@470.256.02", "--gpu", "RTX 5090@580.65.06", *WHERE)
PINS = "torch==2.13.0\ntorchvision==0.28.0\n"


def detected(ask: Ask, folder: Path) -> tuple[str, str]:
    """Options for a machine whose GPU was found by looking."""
    host = folder / "host.json"
    given = ask("inspect", "--gpu", "RTX 4090", "--driver", "550.54.14", *WHERE, "--json")
    host.write_text(given.out.replace('"given"', '"nvidia-smi"'))
    return "--host", str(host)


@pytest.mark.parametrize("hosts", [OLD_AND_NEW, OLD_DRIVER], ids=["two GPUs", "two drivers"])
def test_one_set_of_pins_for_all(ask: Ask, tmp_path: Path, hosts: tuple[str, ...]) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text(PINS)
    assert ask("check", path, *hosts).status == 1
    assert ask("fix", "--apply", path, *hosts).status == 0
    assert path.read_text() != PINS
    assert ask("check", path, *hosts).status == 0
    assert ask("fix", "--apply", path, *hosts).out == f"{path}: nothing to do\n"


def test_what_serves_none_of_them_together_is_said_for_each(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text(PINS)
    answer = ask("fix", "--apply", path, *NO_COMMON)
    assert answer.status == 1
    assert path.read_text() == PINS
    assert "on K80, driver 470.256.02:\n" in answer.out
    assert "on RTX 5090" not in answer.out
    (said,) = [line for line in answer.err.splitlines() if "no one set of pins" in line]
    assert "+cu118 for K80, driver 470.256.02" in said
    assert "what is there for RTX 5090, driver 580.65.06" in said
    (file,) = ask("fix", path, *NO_COMMON, "--json").json["files"]
    assert {tuple(finding["hosts"]) for finding in file["findings"]} == {("K80, driver 470.256.02",)}


def test_hosts_of_two_systems(ask: Ask, tmp_path: Path) -> None:
    """Each system has its own build behind the same pin."""
    files = []
    for platform in ("linux-x86_64", "windows-amd64"):
        host = tmp_path / f"{platform}.json"
        gpu = ("--gpu", "RTX 4090", "--driver", "580.65.06", "--python-version", "3.11", "--platform", platform)
        host.write_text(ask("inspect", *gpu, "--json").out)
        files += ["--host", host]
    path = tmp_path / "requirements.txt"
    path.write_text(
        "--extra-index-url https://download.pytorch.org/whl/cu126\ntorch==2.6.0+cu126\ntorchvision==0.20.1\n"
    )
    assert ask("fix", "--apply", path, *files).status == 0
    assert path.read_text().endswith("torchvision==0.21.0\n")
    assert ask("check", path, *files).status == 0


def test_an_environment_for_all(ask: Ask, venv: MakeVenv) -> None:
    root = venv("torch==2.13.0", "torchvision==0.28.0", torch="2.13.0+cu130", python="3.11.9")
    hosts = ("--platform", "linux-x86_64", "--glibc", "2.35", "--offline")
    data = ask("fix", "--python", root, *OLD_DRIVER[:4], *hosts, "--json").json
    assert {change["requirement"] for change in data["changes"]} == {"torch==2.13.0+cu126", "torchvision==0.28.0+cu126"}
    answer = ask("fix", "--python", root, *NO_COMMON[:4], *hosts)
    assert answer.status == 1
    assert "no other versions of these packages repair this" in answer.out


CPU_FILES = {
    "requirements.txt": (
        "--extra-index-url https://download.pytorch.org/whl/cpu\ntorch==2.6.0+cpu\ntorchvision==0.20.1+cpu\n",
        "torchvision==0.21.0+cpu\n",
    ),
    "index/requirements.txt": (
        "-i https://download.pytorch.org/whl/cpu\ntorch==2.6.0\ntorchvision==0.20.1\n",
        "torchvision==0.21.0\n",
    ),
    "environment.yml": (
        "dependencies:\n- python=3.11\n- pytorch=2.5.1=*cpu*\n- cpuonly\n- torchvision=0.19.1\n",
        "- pytorch=2.5.1=*cpu*\n- cpuonly\n- torchvision=0.20.1\n",
    ),
}


@pytest.mark.parametrize("name", CPU_FILES)
def test_a_cpu_build_that_a_file_asks_for_stays(ask: Ask, tmp_path: Path, name: str) -> None:
    text, expected = CPU_FILES[name]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    machine = detected(ask, tmp_path)
    answer = ask("fix", "--apply", path, *machine)
    assert answer.status == 0
    assert path.read_text().endswith(expected)
    assert "cu1" not in path.read_text()
    if name.endswith(".txt"):
        assert "the file asks for the CPU build of torch, and that stays" in answer.err
    assert ask("fix", "--apply", path, *machine).out == f"{path}: nothing to do\n"
