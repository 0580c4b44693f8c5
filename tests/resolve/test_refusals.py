"""What cannot be, and why: refusals, requirements that no release meets, hosts that are not known."""

from __future__ import annotations

from typing import Any

import pytest
from cases import gpu_unknown, host
from packaging.version import Version

from compatmatrix.errors import CompatmatrixError, NoSolution, UsageError
from compatmatrix.matrix import Matrix
from compatmatrix.model.host import Host
from compatmatrix.resolve.question import IndexPolicy, parse_requirements

from .asking import ask, codes, decided, refused


def test_numpy_2_with_an_old_torch(matrix: Matrix) -> None:
    assert "numpy-abi" in codes(refused(matrix, host(), "numpy==2.1", "torch<2.3"))
    made = decided(matrix, host(), "numpy==2.1", "torch<2.4")
    assert made.stack.release("torch") == Version("2.3.1")


@pytest.mark.parametrize(
    ("where", "requirements", "code"),
    [
        pytest.param(host("7.0"), ("torch==2.15.0",), "arch-missing", id="V100 with a torch without its kernels"),
        pytest.param(host("12.0"), ("torch<2.7",), "arch-missing", id="RTX 5090 with torch<2.7"),
        pytest.param(host("8.0", driver="470.256.02"), ("torch>=2.8",), "driver-too-old", id="an old driver"),
        pytest.param(host(python="3.12"), ("torch==1.13.1",), "python-unsupported", id="a new Python"),
        pytest.param(host(python="3.5"), (), "python-unsupported", id="Python 3.5"),
        pytest.param(host(), ("fastai==2.7.9", "torch==2.5.1"), "fastai-mismatch", id="fastai against torch"),
        pytest.param(host(), ("torch==2.5.1", "torchvision==0.19.1"), "torchvision-mismatch", id="torchvision"),
        pytest.param(host(), ("torch==2.5.1", "torchaudio==2.4.1"), "torchaudio-mismatch", id="torchaudio"),
        pytest.param(host("8.0"), ("torch==2.5.1+cpu",), "cpu-build-on-gpu", id="a CPU build for a GPU"),
        pytest.param(host(libc="musl 1.2"), (), "platform-unsupported", id="Alpine"),
        pytest.param(host(libc="glibc 2.17"), ("torch>=2.9",), "glibc-too-old", id="CentOS 7"),
        pytest.param(host("8.0", driver="390.157"), (), "driver-too-old", id="a driver below every floor"),
    ],
)
def test_impossible_with_its_reason(matrix: Matrix, where: Host, requirements: tuple[str, ...], code: str) -> None:
    made = refused(matrix, where, *requirements)
    assert code in codes(made)
    assert all(one.findings for one in made.rejected)


@pytest.mark.parametrize(
    ("where", "requirements", "values"),
    [
        pytest.param(host(), ("torch==2.5.1+cu999",), {}, id="a build that does not exist"),
        pytest.param(host("8.0"), ("torch==2.5.1+cu121",), {"index": IndexPolicy.PYPI}, id="a build on another index"),
        pytest.param(host(platform="linux-riscv64", libc=None), (), {}, id="a platform without wheels"),
        pytest.param(host(platform="macos-x86_64", libc=None), ("torch==2.15.0",), {}, id="a release without wheel"),
        pytest.param(
            host(platform="macos-arm64", libc=None), (), {"index": IndexPolicy.PYTORCH}, id="an index without wheels"
        ),
    ],
)
def test_impossible_without_any_candidate_says_why_too(
    matrix: Matrix, where: Host, requirements: tuple[str, ...], values: dict[str, Any]
) -> None:
    made = refused(matrix, where, *requirements, **values)
    assert not made.rejected
    assert any("no build" in note for note in made.notes)


@pytest.mark.parametrize("text", ["torch==99.9", "fastai>50", "torchvision==0.1", "torchaudio==77"])
def test_no_such_release(matrix: Matrix, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        ask(matrix, host(), text)
    assert caught.value.slug == "unknown-release"
    assert "which knows" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "refresh"), [("torch==2.5.2", False), ("torch==1.4.0", False), ("fastai==2.99", True), ("torch>50", True)]
)
def test_a_refresh_is_told_of_only_for_newer_releases(matrix: Matrix, text: str, refresh: bool) -> None:
    with pytest.raises(UsageError) as caught:
        ask(matrix, host(), text)
    assert ("refresh" in caught.value.hint) is refresh


@pytest.mark.parametrize(
    "texts", [("torch<2", "torch>2"), ("torch<2.4,>2.5",), ("fastai==2.7.12", "fastai>=2.8")], ids=" ".join
)
def test_a_contradiction_is_an_answer(matrix: Matrix, texts: tuple[str, ...]) -> None:
    with pytest.raises(NoSolution) as caught:
        ask(matrix, host(), *texts)
    assert (caught.value.slug, caught.value.exit_status) == ("contradiction", 1)
    assert all(text in str(caught.value) for text in texts)


def test_what_the_next_release_may_meet_is_no_contradiction(matrix: Matrix) -> None:
    newest = next(iter(matrix.torches))
    with pytest.raises(UsageError) as caught:
        ask(matrix, host(), f"torch>={newest},!={newest}")
    assert "refresh" in caught.value.hint


def test_every_unknown_release_is_named_at_once(matrix: Matrix) -> None:
    with pytest.raises(UsageError) as caught:
        ask(matrix, host(), "torch==99.9", "fastai==99.9")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("texts", [("torch=2.5",), ("==2.5",), ("torch 2.5",), ("",)], ids=repr)
def test_not_a_requirement(texts: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="is not a requirement"):
        parse_requirements(texts)


def test_every_bad_requirement_is_named_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        parse_requirements(["torch=2.5", "timm", "fastai=2"])
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("where", "missing"),
    [
        (host(platform=None), "--platform"),
        (host(python=None), "--python-version"),
        (host("8.0", driver=None), "--driver"),
        (gpu_unknown(host()), "--gpu"),
        (host("?"), "--cc"),
    ],
    ids=["platform", "Python", "driver", "GPUs", "capability"],
)
def test_a_host_that_is_not_known_well_enough(matrix: Matrix, where: Host, missing: str) -> None:
    with pytest.raises(CompatmatrixError) as caught:
        ask(matrix, where)
    assert (caught.value.slug, caught.value.exit_status) == ("host-unknown", 3)
    assert missing in caught.value.hint


def test_an_unknown_glibc_or_driver_without_gpu_is_no_obstacle(matrix: Matrix) -> None:
    assert decided(matrix, host(driver=None, libc=None)).build == "cpu"
