from __future__ import annotations

import pytest

from compatmatrix.model.finding import Severity
from compatmatrix.rules.diagnose import QUESTIONS, Confidence, Diagnosis, diagnose
from compatmatrix.rules.report_rules import REPORT_RULES

from .reported import report_case


def of(text: str, *guessed: str) -> Diagnosis:
    return diagnose(report_case(text), REPORT_RULES, guessed)


def errors(diagnosis: Diagnosis) -> list[tuple[str, Confidence]]:
    return [(d.finding.code, d.confidence) for d in diagnosis.diagnosed if d.finding.severity is Severity.ERROR]


def test_a_text_alone_that_states_its_cause_is_certain() -> None:
    found = of("CUDA error: no kernel image is available for execution on the device")
    assert errors(found) == [("arch-missing", Confidence.CERTAIN)]


def test_a_certain_cause_still_asks_for_what_decides_the_repair() -> None:
    bare = "CUDA error: no kernel image is available for execution on the device\n"
    assert of(bare).ask_next == QUESTIONS["gpu"]
    assert of(f"{bare}GPU 0: Tesla P100-PCIE-16GB\n").ask_next == QUESTIONS["torch"]
    assert of(f"{bare}GPU 0: Tesla P100-PCIE-16GB\ntorch==2.9.1\n").ask_next == ""


def test_a_cpu_build_is_half_a_cause() -> None:
    text = "AssertionError: Torch not compiled with CUDA enabled\n"
    assert errors(of(text)) == [("cpu-build-on-gpu", Confidence.LIKELY)]
    assert of(text).ask_next == QUESTIONS["gpu"]
    assert errors(of(f"{text}GPU 0: NVIDIA L40S\n")) == [("cpu-build-on-gpu", Confidence.CERTAIN)]


def test_a_refusal_of_an_installer_asks_for_the_system() -> None:
    text = "ERROR: Could not find a version that satisfies the requirement torch==2.6.0 (from versions: 2.1.2, 2.2.2)\n"
    found = of(text, "the platform is assumed")
    assert errors(found) == [("platform-unsupported", Confidence.LIKELY)]
    assert found.ask_next == QUESTIONS["os"]


def test_a_text_that_usually_means_this_is_likely_and_asks() -> None:
    found = of("RuntimeError: operator torchvision::nms does not exist")
    assert errors(found) == [("torchvision-mismatch", Confidence.LIKELY)]
    assert found.ask_next == QUESTIONS["torchvision"]


def test_a_text_and_facts_make_one_finding_that_is_certain() -> None:
    text = "OS: Linux\ntorch==2.5.1\ntorchvision==0.18.1\noperator torchvision::nms does not exist"
    found = of(text)
    assert errors(found) == [("torchvision-mismatch", Confidence.CERTAIN)]
    assert [sign.line for sign in found.diagnosed[0].signs] == [4]


def test_facts_that_are_assumed_make_it_likely() -> None:
    assert errors(of("torch==1.2.0\ntorchvision==0.3.0\n", "the platform is assumed")) == [
        ("torchvision-mismatch", Confidence.LIKELY)
    ]


def test_a_likely_text_never_stands_beside_a_certain_cause() -> None:
    found = of("Numpy is not available\noperator torchvision::nms does not exist\n")
    assert errors(found) == [("numpy-abi", Confidence.CERTAIN)]


def test_a_symptom_alone_is_unknown_and_asks_for_one_fact() -> None:
    found = of("torch.cuda.is_available() False\n")
    assert (errors(found), found.confidence) == ([], Confidence.UNKNOWN)
    assert found.ask_next == QUESTIONS["torch"]


def test_known_bad_gets_the_name_that_the_text_gives_it() -> None:
    text = "fastai==2.7.9\ntorch==1.13.1\nunsupported format string passed to TensorBase.__format__\n"
    assert [code for code, _ in errors(of(text))] == ["fastai-mismatch"]


HEALTHY = "fastai==2.8.4\ntorch==2.8.0\ntorchvision==0.23.0\nOS: Ubuntu 22.04\n"


@pytest.mark.parametrize(
    "more", ["GPU 0: NVIDIA L40S\nDriver version: 580.65.06\n", "CUDA used to build PyTorch: None\n"]
)
def test_a_healthy_report_is_certain(more: str) -> None:
    found = of(f"{HEALTHY}Python version: 3.12.4\n{more}")
    assert (errors(found), found.confidence, found.ask_next) == ([], Confidence.CERTAIN, "")


def test_without_an_error_a_missing_fact_makes_it_likely() -> None:
    assert (of(HEALTHY).confidence, of(HEALTHY).ask_next) == (Confidence.LIKELY, QUESTIONS["python"])


def test_a_torch_alone_is_compared_with_nothing() -> None:
    assert of("torch==2.8.0\nOS: Ubuntu 22.04\n").confidence is Confidence.UNKNOWN


def test_nothing_understood() -> None:
    found = of("it does not work, please help\n")
    assert (found.diagnosed, found.confidence) == ((), Confidence.UNKNOWN)
    assert found.ask_next
