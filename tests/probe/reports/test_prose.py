"""What a sentence names is taken as a fact where it is a state, and never where it is a story."""

from __future__ import annotations

import pytest

from compatmatrix.cli.check_report import judge_text, verdict_of
from compatmatrix.matrix import load_matrix
from compatmatrix.matrix.tokens import load_tokens
from compatmatrix.model.finding import Severity
from compatmatrix.probe.reports.report import Report, read_report

LIST = (
    "python 3.12, torch 2.4.1, torchvision 0.19.1, numpy 2.0.1, pillow 11.0.0, RTX 4090, driver 550.54.15, Ubuntu 22.04"
)


def of(text: str) -> Report:
    return read_report(text, load_matrix(), load_tokens().tokens.values())


def versions(text: str) -> dict[str, str]:
    return {name: str(pin.version) for name, pin in of(text).stack.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I use torch 2.5.1.", {"torch": "2.5.1"}),
        ("I use torch 2.5.1+cu124.", {"torch": "2.5.1+cu124"}),
        ("torch 2.5.1+rocm6.2 on MI300X", {"torch": "2.5.1+rocm6.2"}),
        ("windows10+CUDA9.0+torch1.0.1+python3.6.5", {"torch": "1.0.1"}),
        ("torch 2.5.1 torchvision 0.15.2", {"torch": "2.5.1", "torchvision": "0.15.2"}),
        ("fastai 2.7.18, fastcore 1.8.0, torch 2.5.1", {"fastai": "2.7.18", "fastcore": "1.8.0", "torch": "2.5.1"}),
        ("I use torch 2.4.1 with numpy 2.1", {"torch": "2.4.1", "numpy": "2.1"}),
        ("GPU: RTX 4090, Driver: 510.47.03, torch==2.3.0+cu121", {"torch": "2.3.0+cu121"}),
        (LIST, {"torch": "2.4.1", "torchvision": "0.19.1", "numpy": "2.0.1", "pillow": "11.0.0"}),
    ],
)
def test_packages(text: str, expected: dict[str, str]) -> None:
    assert versions(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "I tried torch 1.7 and 1.8",
        "I tried torch 1.7.1, torch 1.8.0 and torch 1.9.0",
        "works with torch 2.0, fails with 2.1",
        "fails with torch 2.1.0",
        "requires torch>=1.10",
        "the extension depends on torch 2.1.0",
        "you should take torch 2.1.0",
        "removed in numpy 2.0 and deprecated before",
        "Python 3.8 and 3.9 are fine",
        "torchvision 0.15.2 here, torchvision 0.16.0 there",
        "torch 2.1-2.3",
        "We dropped python 3.8 in this release",
        "PyTorch 2.6.0 changed the default of weights_only",
        "UserWarning: In Python 3.12 this is an error",
        "This will raise in NumPy 1.25.",
        "numpy 2.0.0 breaks this; numpy 1.26.4 does not",
        "also tried: torch==1.6.0, torchvision==0.7.0, no difference",
    ],
)
def test_stories(text: str) -> None:
    report = of(text)
    assert list(report.stack.items()) == []
    assert not report.host.python.known


def test_the_host() -> None:
    report = of(LIST)
    assert str(report.host.python.value) == "3.12"
    assert [gpu.name for gpu in report.host.gpus.value or ()] == ["RTX 4090"]
    assert str(report.host.driver.value) == "550.54.15"
    assert report.host.platform.origin == "line 1"
    assert report.spoken == ("python", "gpu", "driver")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("8x H100 SXM, torch 1.13.1+cu117", ["H100"]),
        ("out of memory on T4 with batch size 64", ["T4"]),
        ("GPU: RTX 4090, Driver: 510.47.03", ["RTX 4090"]),
        ("  - gpu0      : 11177MB | GeForce GTX 1080 Ti", ["GeForce GTX 1080 Ti"]),
        ("works on V100, not on A100", []),
        ("it hangs on V100\nand on A100", []),
        ("layer L4 of the net, see A100.md", []),
    ],
)
def test_gpus(text: str, names: list[str]) -> None:
    assert [gpu.name for gpu in of(text).host.gpus.value or ()] == names


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ubuntu22.04 nvidia-smi: no", "ubuntu22.04"),
        ("a Kaggle notebook", "Kaggle"),
        ("on Windows 11 Pro", "Windows 11 Pro"),
    ],
)
def test_systems_without_what_follows(text: str, told: str) -> None:
    assert [value for _, fact, value in of(text).understood if fact == "os"] == [told]


@pytest.mark.parametrize(
    ("text", "verdict", "confidence"),
    [
        ("torch 2.5.1", "unknown", "unknown"),
        ("torch 2.4.1, python 3.12", "compatible", "likely"),
        (LIST, "compatible", "likely"),
        ("torch 2.5.1 torchvision 0.15.2", "incompatible", "likely"),
        ("fastai 2.7.18, fastcore 1.8.0, torch 2.5.1", "incompatible", "likely"),
    ],
)
def test_nothing_from_a_sentence_is_certain(text: str, verdict: str, confidence: str) -> None:
    judged = judge_text(text, load_matrix())
    assert (verdict_of(judged), str(judged.diagnosis.confidence)) == (verdict, confidence)


def test_thor_brings_its_cuda() -> None:
    text = (
        "| NVIDIA-SMI 580.00    Driver Version: 580.00    CUDA Version: 13.0 |\n|   0  NVIDIA Thor    Off |\n"
        "torch==2.9.1+cu130\nLinux thor 6.8.12-tegra aarch64\n"
    )
    assert str(of(text).host.driver_cuda.value) == "13.0"
    findings = judge_text(text, load_matrix()).judged.findings
    assert [finding.code for finding in findings if finding.severity is Severity.ERROR] == []


def test_error_802_asks_for_no_image() -> None:
    text = "CUDA initialization: Error 802: system not yet initialized\nOS: Ubuntu 22.04\n"
    text += "Nvidia driver version: 535.183.01\n"
    assert judge_text(text, load_matrix()).diagnosis.ask_next == ""


def test_of_a_driver_that_is_told_by_its_branch_that_is_said() -> None:
    driver = of("RTX 2080 Ti, driver 535, torch 2.5.1+cu124").host.driver
    assert (driver.known, driver.reason) == (False, "line 1 names only its branch, 535")


def test_an_amd_machine_is_not_asked_for_nvidia_smi() -> None:
    diagnosis = judge_text("AMD Radeon RX 7900, torch 2.5.1+rocm6.2, python 3.11", load_matrix()).diagnosis
    assert (str(diagnosis.confidence), "nvidia-smi" in diagnosis.ask_next) == ("unknown", False)


def test_whose_python_it_is_may_stand_beside_a_command() -> None:
    text = "I have Python 3.13 and pip install torch==2.4.0 fails"
    findings = judge_text(text, load_matrix()).judged.findings
    assert [finding.code for finding in findings if finding.severity is Severity.ERROR] == ["python-unsupported"]
    assert not of("should I use Python 3.12 or 3.13 for torch 2.4.0?").host.python.known


@pytest.mark.parametrize(
    ("text", "gpu"),
    [
        ("on a DGX Spark", "DGX Spark"),
        ("on a GB10", "GB10"),
        ("GPU是A10", "A10"),
        ("显卡RTX3060", "RTX3060"),
        ("I have an RTX 3060 but pip installed another build", "RTX 3060"),
        ("two RTX PRO 6000 Blackwell in the box", "RTX PRO 6000 Blackwell"),
    ],
)
def test_gpus_in_words(text: str, gpu: str) -> None:
    assert [one.name for one in of(text).host.gpus.value or ()] == [gpu]


@pytest.mark.parametrize(
    "text", ["I have no GPU here", "we don't have an NVIDIA GPU", "As I don't have a CUDA-capable GPU"]
)
def test_no_gpu_in_words(text: str) -> None:
    assert of(text).host.has_gpu is False


def test_whose_gpu_is_idle_has_one() -> None:
    assert of("I have no GPU usage while it trains").host.has_gpu is None


@pytest.mark.parametrize("text", ["the log reports PyTorch 2.9.1+cpu, though it installs CUDA", "torch是2.9.1+cpu"])
def test_a_cpu_build_in_words(text: str) -> None:
    assert versions(text) == {"torch": "2.9.1+cpu"}
