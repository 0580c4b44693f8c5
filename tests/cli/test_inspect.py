from __future__ import annotations

from pathlib import Path

from compatmatrix.model.host import host_from_dict

from .conftest import Ask, MakeVenv

GIVEN = ("--platform", "linux-x86_64", "--glibc", "2.31", "--gpu", "Tesla V100", "--driver", "535.104.05")


def test_the_contract(ask: Ask, venv: MakeVenv) -> None:
    data = ask("inspect", "--python", venv("numpy==2.0.0"), *GIVEN, "--json").json
    assert data.keys() >= {"schema", "command", "host", "stack"}
    assert (data["schema"], data["command"]) == (1, "inspect")
    assert data["host"]["driver"] == {"value": "535.104.05", "origin": "given"}
    assert data["host"]["gpus"]["value"] == [{"name": "Tesla V100", "capability": "7.0", "memory_mib": None}]
    assert data["stack"]["numpy"]["version"] == "2.0.0"
    assert str(host_from_dict(data).libc.value) == "glibc 2.31"


def test_its_json_is_a_host_file(ask: Ask, venv: MakeVenv, tmp_path: Path) -> None:
    path = tmp_path / "server.json"
    path.write_text(ask("inspect", "--python", venv(python="3.11.9"), *GIVEN, "--json").out)
    by_file = ask("lock", "--core", "--json", "--host", path)
    assert by_file.status == 0, by_file.err
    by_hand = ask("lock", "--core", "--json", "--python-version", "3.11.9", *GIVEN)
    assert by_file.json["stack"] == by_hand.json["stack"]
    assert by_file.json["build"] == by_hand.json["build"]
    assert "driver 535.104.05" in by_file.err


def test_the_same_file_for_the_other_commands(ask: Ask, venv: MakeVenv, tmp_path: Path) -> None:
    path = tmp_path / "server.json"
    root = venv("torch==2.13.0", torch="2.13.0+cu130")
    path.write_text(ask("inspect", "--python", root, *GIVEN, "--json").out)
    assert ask("explain", "--host", path).status == 0
    assert ask("check", "--python", root, "--host", path).status == 1
    assert ask("inspect", "--python", root, "--host", path, "--json").json["host"]["driver"]["value"] == "535.104.05"


def test_in_words(ask: Ask, venv: MakeVenv) -> None:
    answer = ask("inspect", "--python", venv("torch==2.8.0", torch="2.8.0+cu128"), *GIVEN)
    assert answer.status == 0
    assert "Tesla V100 (7.0)" in answer.out
    assert "driver 535.104.05" in answer.out
    assert "torch 2.8.0+cu128" in answer.out
    assert "1 package installed" in answer.out


def test_unknowns_have_their_reason(ask: Ask, venv: MakeVenv) -> None:
    data = ask("inspect", "--python", venv(), "--platform", "linux-ppc64le", "--json").json
    for name in ("libc", "driver", "gpus"):
        assert data["host"][name]["value"] is None
        assert data["host"][name]["reason"]


def test_several_hosts_are_not_made_one(ask: Ask, venv: MakeVenv) -> None:
    answer = ask("inspect", "--python", venv(), "--gpu", "A100@535.104.05", "--gpu", "T4@580.65.06")
    assert answer.status == 2
    assert "inspect shows one host" in answer.err
