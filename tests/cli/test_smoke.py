"""The command line of smoke, against an interpreter that has no torch: quick, and a case of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from prove import measured

from compatmatrix.cli.probes import print_bench, print_probes

from .conftest import Ask

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="paths of a virtual environment")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment without anything."""
    folder = tmp_path_factory.mktemp("smoke") / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder


def test_a_stack_that_is_not_there_is_a_no(ask: Ask, bare: Path) -> None:
    answer = ask("smoke", "--python", bare)
    assert answer.status == 1
    assert "FAIL  imports" in answer.out
    assert "stands on imports, which failed" in answer.out
    assert "not proven" in answer.out


def test_levels_ask_for_more_and_less(ask: Ask, bare: Path) -> None:
    def names(*options: str) -> list[str]:
        return [probe["name"] for probe in ask("smoke", "--python", bare, "--json", *options).json["probes"]]

    quick, default, full = names("--quick"), names(), names("--full")
    assert set(quick) < set(default) < set(full)
    assert names("--quick", "--bench") == [*quick, "bench"]
    assert names("--probe", "numpy-bridge") == ["imports", "numpy-bridge"]


def test_json_and_page_together(ask: Ask, bare: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    answer = ask("smoke", "--python", bare, "--no-gpu", "--quick", "--seed", "7", "--json", "--html", page)
    data = answer.json
    assert (data["schema"], data["command"], data["passed"], data["level"]) == (1, "smoke", False, "resolved")
    assert data["report"]["memory"]
    text = page.read_text("utf-8")
    assert "This stack is not proven" in text
    assert "--quick --seed 7" in text
    assert "no NVIDIA GPU" in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--quick", "--full"], "--quick together with --full"),
        (["--plot", "x.svg"], "--plot needs --bench"),
        (["--probe", "dance"], "unknown probes: dance"),
        (["--seed", "-1"], "--seed"),
        (["--timeout", "0"], "--timeout"),
    ],
)
def test_wrong_usage(ask: Ask, bare: Path, options: list[str], words: str) -> None:
    answer = ask("smoke", "--python", bare, *options)
    assert (answer.status, words in answer.err) == (2, True)


def test_a_page_that_cannot_be_written_is_told_before_anything_is_lost(ask: Ask, bare: Path, tmp_path: Path) -> None:
    answer = ask("smoke", "--python", bare, "--quick", "--html", tmp_path / "nowhere" / "page.html")
    assert answer.status == 3
    assert "there is no folder" in answer.err


def test_a_bench_that_measured_nothing_draws_nothing(ask: Ask, bare: Path, tmp_path: Path) -> None:
    answer = ask("smoke", "--python", bare, "--quick", "--bench", "--plot", tmp_path / "bench.svg")
    assert "is not written" in answer.err
    assert not (tmp_path / "bench.svg").exists()


def test_the_bench_ends_with_a_table_of_epochs_by_device_and_batch_size(capsys: pytest.CaptureFixture[str]) -> None:
    (cpu,) = measured.PASSED.report.bench
    gpu = cpu._replace(device="NVIDIA H200", rows=tuple(row._replace(epoch_ms=3.4) for row in cpu.rows[1:2]))
    print_bench((cpu, gpu))
    *_, title, head, first, second = capsys.readouterr().out.splitlines()
    assert title == "milliseconds for 10 epochs of 4096 images, by batch size"
    assert head.split() == ["32", "64", "8192"]
    assert first.split("threads")[1].split() == ["4096", "2560", "2560"]
    assert second.split("H200")[1].split() == ["-", "34", "-"]


def test_warnings_stand_below_their_probe(capsys: pytest.CaptureFixture[str]) -> None:
    print_probes(measured.PASSED.result)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("skip  oom")
    assert lines[2].strip() == "warned: UserWarning: not writable"
