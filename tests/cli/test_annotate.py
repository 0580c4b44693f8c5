"""Annotations and SARIF, whose schema is too large to keep here: what it demands of our fields is checked by hand.

A test of the network asks Microsoft's validator, which has the schema and the rules of GitHub's code scanning.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from compatmatrix.cli.annotate import github, sarif
from compatmatrix.model.finding import Finding, Place, Severity

from .conftest import Ask

NO_GPU = ("--platform", "linux-x86_64", "--python-version", "3.12", "--no-gpu")


def demand(log: dict[str, Any]) -> None:
    """SARIF 2.1.0: required properties, types and enumerations of every object that we write, and no others."""
    assert log.keys() == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    assert log["$schema"].startswith("https://")
    for run in log["runs"]:
        assert run.keys() == {"tool", "columnKind", "results"}
        assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
        assert run["tool"].keys() == {"driver"}
        driver = run["tool"]["driver"]
        assert driver.keys() == {"name", "version", "rules"}
        ids = [rule["id"] for rule in driver["rules"]]
        assert len(set(ids)) == len(ids)
        for rule in driver["rules"]:
            assert rule.keys() == {"id", "shortDescription", "fullDescription", "help"}
            assert all(rule[name]["text"] for name in ("shortDescription", "fullDescription", "help"))
        for result in run["results"]:
            assert result.keys() <= {"ruleId", "ruleIndex", "level", "message", "locations"}
            assert result["level"] in ("none", "note", "warning", "error")
            assert ids[result["ruleIndex"]] == result["ruleId"]
            assert result["message"]["text"]
            for location in result.get("locations", []):
                physical = location["physicalLocation"]
                assert physical.keys() == {"artifactLocation", "region"}
                assert physical["region"]["startLine"] >= 1
                assert " " not in physical["artifactLocation"]["uri"]


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("with space.txt")
    path.write_text("torch==2.8.0\ntorchvision==0.19.0\nfastai==2.7.12\n")
    return path


def test_sarif(ask: Ask, broken: Path) -> None:
    answer = ask("check", broken, *NO_GPU, "--format", "sarif")
    assert answer.status == 1
    demand(answer.json)
    results = answer.json["runs"][0]["results"]
    assert {result["ruleId"] for result in results} == {"torchvision-mismatch", "fastai-mismatch"}
    location = results[0]["locations"][0]["physicalLocation"]
    assert location == {"artifactLocation": {"uri": "with%20space.txt"}, "region": {"startLine": 2}}


def test_sarif_of_an_absolute_path_below_the_folder_is_relative(ask: Ask, broken: Path) -> None:
    log = ask("check", broken.absolute(), *NO_GPU, "--format", "sarif").json
    location = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "with%20space.txt"


def test_sarif_without_findings(ask: Ask, broken: Path) -> None:
    broken.write_text("torch==2.8.0\n")
    answer = ask("check", broken, *NO_GPU, "--format", "sarif")
    assert answer.status == 0
    demand(answer.json)
    assert answer.json["runs"][0]["results"] == []


def test_sarif_of_findings_without_a_place() -> None:
    log = sarif([Finding("other", Severity.UNKNOWN, "no place"), Finding("other", Severity.WARNING, "again")])
    demand(log)
    assert [result["level"] for result in log["runs"][0]["results"]] == ["note", "warning"]
    assert len(log["runs"][0]["tool"]["driver"]["rules"]) == 1


@pytest.mark.slow
@pytest.mark.network
def test_sarif_as_github_wants_it(ask: Ask, broken: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """By @microsoft/sarif-multitool from npm: the schema, the standard's advice and GitHub's own demands."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm")
    folder = tmp_path_factory.mktemp("multitool")
    install = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), "@microsoft/sarif-multitool"]
    subprocess.run(install, check=True, capture_output=True, timeout=300)
    (tool,) = folder.glob("node_modules/@microsoft/sarif-multitool-*/Sarif.Multitool")
    tool.chmod(0o755)
    Path("Dockerfile").write_text("FROM python:3.12-slim\nRUN pip install torch==2.8.0\n")
    host = ("--gpu", "Tesla V100", "--driver", "470.57.02", "--python-version", "3.12")
    logs = {
        "files": ask("check", broken, "Dockerfile", *host, "--format", "sarif").json,
        "nothing": sarif([]),
        "wrong": {"version": "2.1.0", "runs": [{"results": []}]},
    }
    found: dict[str, set[str]] = {}
    for name, log in logs.items():
        file = folder / f"{name}.sarif"
        file.write_text(json.dumps(log))
        validate = [
            tool,
            "validate",
            file,
            "--rule-kind",
            "Sarif;Ghas",
            "-o",
            folder / "out",
            "--log",
            "ForceOverwrite",
        ]
        done = subprocess.run(list(map(str, validate)), capture_output=True, text=True, timeout=60)
        found[name] = {
            line.partition(": ")[2].partition(":")[0] for line in done.stdout.splitlines() if ".sarif(" in line
        }
    # No page about the tool is known to it.
    assert found["files"] == found["nothing"] == {"warning SARIF2005"}
    assert any(code.startswith("error") for code in found["wrong"])


def test_github(ask: Ask, broken: Path) -> None:
    answer = ask("check", broken, *NO_GPU, "--format", "github")
    assert answer.status == 1
    first, second = answer.out.splitlines()
    assert first.startswith(
        "::error file=with space.txt,line=2,title=compatmatrix%3A torchvision-mismatch::torchvision 0.19.0 does not fit"
    )
    assert first.endswith("would fit: torchvision==0.23.0")
    assert second.startswith("::error file=with space.txt,line=3,title=compatmatrix%3A fastai-mismatch::")


def test_github_escapes() -> None:
    finding = Finding("other", Severity.WARNING, "50%\nof it", where=Place("a,b:c.txt", 3))
    assert list(github([finding], ["so\nit is"])) == [
        "::warning file=a%2Cb%3Ac.txt,line=3,title=compatmatrix%3A other::50%25%0Aof it",
        "::notice title=compatmatrix::so%0Ait is",
    ]
    assert next(github([Finding("x", Severity.UNKNOWN, "y")])) == "::notice title=compatmatrix%3A x::y"


def test_gitlab(ask: Ask, broken: Path) -> None:
    answer = ask("check", broken, *NO_GPU, "--format", "gitlab")
    assert answer.status == 1
    first, second = answer.json
    assert first["check_name"] == "torchvision-mismatch"
    assert first["severity"] == "major"
    assert first["location"] == {"path": "with space.txt", "lines": {"begin": 2}}
    assert first["description"].endswith("would fit: torchvision==0.23.0")
    assert first["fingerprint"] != second["fingerprint"]
    broken.write_text("\n" + broken.read_text())
    moved = ask("check", broken.absolute(), *NO_GPU, "--format", "gitlab").json[0]
    assert moved["location"]["lines"] == {"begin": 3}
    assert moved["fingerprint"] == first["fingerprint"]
    broken.write_text("torch==2.8.0\n")
    assert ask("check", broken, *NO_GPU, "--format", "gitlab").json == []


def test_json_and_format_json_are_the_same(ask: Ask, broken: Path) -> None:
    assert ask("check", broken, *NO_GPU, "--json") == ask("check", broken, *NO_GPU, "--format", "json")
