from __future__ import annotations

from cases import newest

from compatmatrix.matrix import Matrix

from .conftest import Ask

V100 = ("--gpu", "Tesla V100", "--driver", "580.65.06")


def test_the_contract(ask: Ask, server: list[str]) -> None:
    data = ask("explain", *server, *V100, "--json").json
    assert data.keys() >= {"schema", "command", "stack", "build", "rejected", "notes", "unlocked", "gpus", "host"}
    assert (data["schema"], data["command"]) == (1, "explain")
    assert data["stack"].keys() >= {"torch", "torchvision", "fastai"}
    (gpu,) = data["gpus"]
    assert gpu["capability"] == "7.0"
    assert gpu["last_torch"] in data["notes"][0]
    for group in data["rejected"]:
        assert group.keys() == {"code", "count", "candidates", "example", "evidence"}


def test_why_not_the_others(ask: Ask, server: list[str], matrix: Matrix) -> None:
    answer = ask("explain", *server, *V100)
    assert answer.status == 0
    assert answer.out.startswith("taken: fastai==")
    assert "arch-missing" in answer.out
    assert f"torch {newest(matrix)}" in answer.out
    assert "R580 is the last driver branch" in answer.out
    assert "Tesla V100 (7.0): torch 1.6.0 to " in answer.out


def test_grouped(ask: Ask, server: list[str]) -> None:
    codes = [group["code"] for group in ask("explain", *server, *V100, "--json").json["rejected"]]
    assert len(codes) == len(set(codes))


def test_what_the_next_driver_unlocks(ask: Ask, server: list[str], matrix: Matrix) -> None:
    argv = ("explain", *server, "--gpu", "h200", "--driver", "535.104.05")
    steps = ask(*argv, "--json").json["unlocked"]
    assert steps[-1]["stack"]["torch"].startswith(str(newest(matrix)))
    assert f"driver {steps[-1]['driver']} would unlock torch" in ask(*argv).out
    assert ask("explain", *server, "--gpu", "h200", "--driver", "999.1", "--json").json["unlocked"] == []


def test_nothing_fits(ask: Ask, server: list[str]) -> None:
    argv = ("explain", *server, "--gpu", "RTX 5090", "--driver", "580.65.06", "torch<2.7")
    answer = ask(*argv)
    assert answer.status == 1
    assert answer.out.startswith("nothing fits")
    data = ask(*argv, "--json").json
    assert (data["stack"], data["build"]) == (None, None)
    assert data["rejected"][0]["code"] == "arch-missing"


def test_evidence_is_named(ask: Ask, server: list[str]) -> None:
    assert "seen: " in ask("explain", *server, *V100).out


def test_it_decides_as_lock_does(ask: Ask, server: list[str]) -> None:
    explained = ask("explain", *server, *V100, "--json").json
    locked = ask("lock", "--core", *server, *V100, "--json").json
    assert explained["build"] == locked["build"]
    assert explained["stack"].items() <= locked["stack"].items()


def test_the_facts_that_exclude_each_other(ask: Ask, server: list[str]) -> None:
    argv = ("explain", *server, "--gpu", "RTX 5090", "--driver", "580.65.06", "torch<2.7", "fastai<3")
    assert ask(*argv, "--json").json["conflict"] == [
        {"kind": "requirement", "value": "torch<2.7", "origin": "given"},
        {"kind": "gpu", "value": "NVIDIA GeForce RTX 5090 (12.0)", "origin": "given"},
    ]
    assert "torch<2.7 and NVIDIA GeForce RTX 5090 (12.0) cannot be met together" in ask(*argv).out
    assert ask("explain", *server, *V100, "--json").json["conflict"] == []


def test_the_last_torch_and_the_end_of_driver_support(ask: Ask, server: list[str]) -> None:
    (gpu,) = ask("explain", *server, *V100, "--json").json["gpus"]
    assert (gpu["family"], gpu["last_driver"]) == ("Volta", 580)
    assert all(tag.startswith("cu") for tag in gpu["last_builds"])
    assert gpu["evidence"][0]["source"]
    assert (
        f"to {gpu['last_torch']} have code for it, the last as {gpu['last_builds'][0]}"
        in ask("explain", *server, *V100).out
    )


def test_hosts_that_cannot_share_are_named(ask: Ask, server: list[str]) -> None:
    answer = ask("explain", *server, "--gpu", "V100@470.57.02", "--gpu", "B200@580.65.06")
    assert answer.status == 1
    assert "and the host with NVIDIA B200 (10.0), driver 580.65.06 cannot be met together" in answer.out
    assert "NVIDIA B200 (10.0): torch" in answer.out, "every host's GPUs are spoken of"


def test_another_python_that_would_do(ask: Ask, matrix: Matrix) -> None:
    server = ("--platform", "linux-x86_64", "--python-version", "3.12", "--no-gpu")
    argv = ("explain", *server, "fastai==2.7.12", "torch==1.13.1")
    out = ask(*argv).out
    assert "\ntorch==1.13.1 and Python 3.12 cannot be met together\n" in out
    assert "\nfastai==2.7.12 and Python 3.12 cannot be met together\n" in out
    assert "without either of them" not in out, "leaving out one of the requirements leaves the other"
    assert "Python 3.10 would do: fastai==2.7.12, torch==1.13.1" in out, "torchvision 0.14.1 has no wheel for 3.11"
    assert ask(*argv, "--json").json["other_python"]["python"] == "3.10"
    assert ask("explain", *server, "--json").json["other_python"] is None


def test_a_gpu_that_cudnn_gave_up_before_torch_did(ask: Ask, server: list[str]) -> None:
    argv = ("explain", *server, "--gpu", "K80", "--driver", "470.256.02")
    assert (
        "torch 1.6.0 to 2.7.1 have code for it, the last as cu118; its cuDNN up to torch 2.3.1 only" in ask(*argv).out
    )
    (gpu,) = ask(*argv, "--json").json["gpus"]
    assert (gpu["last_torch"], gpu["last_torch_with_cudnn"]) == ("2.7.1", "2.3.1")


def test_every_conflict_is_told(ask: Ask, server: list[str]) -> None:
    """Whoever mends the first alone must not find the second afterwards."""
    argv = ("explain", *server, "--gpu", "Tesla K80", "--driver", "390.157", "torch==2.13.0", "torchvision==0.20.0")
    sets = ask(*argv, "--json").json["conflicts"]
    assert [[cause["value"] for cause in causes] for causes in sets] == [
        ["torch==2.13.0", "torchvision==0.20.0"],
        ["torch==2.13.0", "Tesla K80 (3.7)"],
        ["Tesla K80 (3.7)", "390.157"],
    ]
    assert "each of these has to lose one of its facts" in ask(*argv).out


def test_a_range_that_the_stack_leaves_nothing_of(ask: Ask, server: list[str]) -> None:
    answer = ask("explain", *server, "--no-gpu", "fastai==2.7.12", "numpy>=2")
    assert answer.status == 1
    assert "fastai==2.7.12 and numpy>=2 cannot be met together; without either of them something fits" in answer.out
    assert ask("explain", *server, "--no-gpu", "fastai==2.7.12", "numpy>=1.24").status == 0
    assert ask("explain", *server, "--no-gpu", "numpy>=2").status == 0


def test_the_reason_that_all_candidates_share_is_the_example(ask: Ask, server: list[str]) -> None:
    out = ask("explain", *server, "--gpu", "RTX 5090", "--driver", "550.54.14").out
    assert "driver 550.54.14 does not know the NVIDIA GeForce RTX 5090" in out


def test_nothing_is_said_of_a_cudnn_that_nobody_looked_at(ask: Ask) -> None:
    windows = ("--platform", "windows-amd64", "--python-version", "3.12", "--gpu", "RTX 3060", "--driver", "531.79")
    (gpu,) = ask("explain", *windows, "--json").json["gpus"]
    assert gpu["last_torch_with_cudnn"] is None


def test_the_newest_torch_of_a_platform_that_is_left_behind(ask: Ask) -> None:
    out = ask("explain", "--platform", "macos-x86_64", "--python-version", "3.11", "--no-gpu", "torch==2.9.0").out
    assert "that meets torch==2.9.0; the newest torch there is 2.2.2" in out
