"""Decisions by name: preference, pins, proofs, the index, and what cannot be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cases import LINUX, find_build, gpu_unknown, host, newest
from packaging.version import Version

from compatmatrix.errors import CompatmatrixError, NoSolution, UsageError
from compatmatrix.matrix import Matrix
from compatmatrix.model.decision import Decision, ProofMark
from compatmatrix.model.host import Host
from compatmatrix.model.proof import ProofLevel
from compatmatrix.model.stack import Pin, Stack
from compatmatrix.resolve.decide import Refusal, decide, proof_key, proof_tag
from compatmatrix.resolve.question import IndexPolicy, Prefer, Question, parse_requirements
from compatmatrix.rules import Case, known_bad


def ask(matrix: Matrix, where: Host, *requirements: str, **values: Any) -> Decision | Refusal:
    return decide(Question(where, parse_requirements(requirements), **values), matrix)


def decided(matrix: Matrix, where: Host, *requirements: str, **values: Any) -> Decision:
    made = ask(matrix, where, *requirements, **values)
    assert isinstance(made, Decision), [one.findings[0].message for one in made.rejected[:5]]
    return made


def refused(matrix: Matrix, where: Host, *requirements: str, **values: Any) -> Refusal:
    made = ask(matrix, where, *requirements, **values)
    assert isinstance(made, Refusal), made.requirements
    return made


def codes(made: Refusal | Decision) -> set[str]:
    return {finding.code for one in made.rejected for finding in one.findings}


def test_newest_fastai_then_newest_torch(matrix: Matrix) -> None:
    made = decided(matrix, host("9.0"))
    fastai = next(release for release, row in matrix.fastais.items() if not row.yanked)
    assert made.stack.release("fastai") == fastai
    assert made.stack.release("torch") == newest(matrix)
    assert made.rejected == ()


def test_pypi_where_its_build_fits_else_the_pytorch_index(matrix: Matrix) -> None:
    fits = decided(matrix, host("9.0"))
    assert (fits.index, fits.index_url) == ("pypi", "")
    assert fits.stack["torch"].version.local is None
    volta = decided(matrix, host("7.0"))
    assert (volta.index, volta.index_url) == ("pytorch", f"{matrix.pytorch_index}/{volta.build}")
    assert volta.stack["torch"].version.local == volta.build
    assert volta.stack["torchvision"].version.local == volta.build


@pytest.mark.parametrize("release", ["1.13.1", "2.2.2", "2.5.1", "2.8.0", "2.12.0"])
def test_a_pinned_torch_gets_its_partners_and_a_fastai(matrix: Matrix, release: str) -> None:
    made = decided(matrix, host("8.0", python="3.10"), f"torch=={release}")
    partner = matrix.partner("torchvision", Version(release))
    assert partner is not None
    assert made.stack.release("torch") == Version(release)
    assert made.stack.release("torchvision") == partner.version
    assert "torchaudio" not in made.stack


def test_a_pin_may_name_a_build(matrix: Matrix) -> None:
    plain = decided(matrix, host("8.0"), "torch==2.5.1")
    assert (plain.build, plain.index) == ("cu124", "pypi")
    named = decided(matrix, host("8.0"), "torch==2.5.1+cu121")
    assert (named.build, named.index) == ("cu121", "pytorch")
    assert "torch==2.5.1+cu121" in named.requirements
    assert "torchvision==0.20.1+cu121" in named.requirements


@pytest.mark.parametrize(
    ("spec", "admitted"),
    [
        ("torch<2.6", "<2.6"),
        ("torch>=2.5,<2.8", ">=2.5,<2.8"),
        ("torch==2.5.*", "==2.5.*"),
        ("torch~=2.4.0", "~=2.4.0"),
    ],
)
def test_ranges_give_the_newest_inside(matrix: Matrix, spec: str, admitted: str) -> None:
    from compatmatrix.matrix.rows import admits

    made = decided(matrix, host("8.0"), spec)
    assert made.stack.release("torch") == next(torch for torch in matrix.torches if admits(admitted, torch))


@pytest.mark.parametrize(
    ("pin", "torch"),
    [("torchvision==0.20.1", "2.5.1"), ("torchaudio==2.5.1", "2.5.1"), ("torchvision==0.15.2", "2.0.1")],
)
def test_a_pinned_partner_decides_torch(matrix: Matrix, pin: str, torch: str) -> None:
    assert decided(matrix, host("8.0"), pin).stack.release("torch") == Version(torch)


def test_torchaudio_where_it_is_asked_for(matrix: Matrix) -> None:
    made = decided(matrix, host("8.0"), "torchaudio")
    partner = matrix.partner("torchaudio", made.stack["torch"].release)
    assert partner is not None
    assert made.stack.release("torchaudio") == partner.version
    assert any(text.startswith("torchaudio==") for text in made.requirements)


def test_a_pinned_fastai_decides_torch(matrix: Matrix) -> None:
    made = decided(matrix, host("8.0", python="3.10"), "fastai==2.7.12")
    assert made.stack.release("torch") == Version("2.0.1")
    assert "fastai-mismatch" in codes(made)


def test_another_pinned_package_decides_fastai(matrix: Matrix) -> None:
    made = decided(matrix, host("8.0"), "fastcore==1.7.29")
    assert made.stack["fastai"].release < Version("2.8")
    assert "fastcore==1.7.29" in made.requirements


def test_the_guides_pin(matrix: Matrix) -> None:
    made = decided(matrix, host(python="3.10"), "fastai==2.7.12", "torch==1.13.1", "torchvision==0.14.1")
    assert "numpy<2" in made.constraints
    assert made.stack.release("torchvision") == Version("0.14.1")
    assert "python-unsupported" in codes(refused(matrix, host(), "torch==1.13.1", "torchvision==0.14.1"))


def test_extras_stay(matrix: Matrix) -> None:
    made = decided(matrix, host(), "fastai[dev]", "timm>=0.9", "Pillow==10.4.0")
    assert any(text.startswith("fastai[dev]==") for text in made.requirements)
    assert {"timm>=0.9", "Pillow==10.4.0"} <= set(made.requirements)
    assert made.stack.release("pillow") == Version("10.4.0")


def test_every_requirement_on_an_extra_stays(matrix: Matrix) -> None:
    made = decided(matrix, host(), "timm>=0.9", "timm<1")
    assert {"timm>=0.9", "timm<1"} <= set(made.requirements)


def test_a_url_for_what_is_decided_is_not_swapped_silently(matrix: Matrix) -> None:
    with pytest.raises(UsageError):
        ask(matrix, host(), "fastai @ https://wheels.example/fastai-2.8.4-py3-none-any.whl")


def test_a_marker_for_another_system_does_not_count(matrix: Matrix) -> None:
    made = decided(matrix, host(), 'torch==2.5.1; sys_platform == "win32"')
    assert made.stack.release("torch") == newest(matrix)


def test_numpy_2_with_an_old_torch(matrix: Matrix) -> None:
    assert "numpy-abi" in codes(refused(matrix, host(), "numpy==2.1", "torch<2.3"))
    made = decided(matrix, host(), "numpy==2.1", "torch<2.4")
    assert made.stack.release("torch") == Version("2.3.1")


def test_numpy_is_constrained_where_the_wheels_need_it(matrix: Matrix) -> None:
    assert "numpy<2" in decided(matrix, host(), "torch==2.2.2").constraints
    assert not any(text.startswith("numpy<2") for text in decided(matrix, host(), "torch==2.5.1").constraints)


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


@pytest.mark.parametrize("policy", list(IndexPolicy))
def test_index_policy(matrix: Matrix, policy: IndexPolicy) -> None:
    for capability in ("7.0", "9.0"):
        made = decided(matrix, host(capability), index=policy)
        assert policy in (IndexPolicy.AUTO, made.index)
        assert all(one.index == policy or policy is IndexPolicy.AUTO for one in made.rejected)


def test_pypi_only_steps_back_to_the_last_of_its_builds_that_fits(matrix: Matrix) -> None:
    made = decided(matrix, host("7.0"), index=IndexPolicy.PYPI)
    assert made.stack["torch"].release < decided(matrix, host("7.0")).stack["torch"].release
    assert "arch-missing" in codes(made)


def test_a_mirror_replaces_the_index(matrix: Matrix) -> None:
    made = decided(matrix, host("7.0"), pytorch_index="https://mirror.example/whl/")
    assert made.index_url == f"https://mirror.example/whl/{made.build}"


def test_yanked_releases_only_where_pinned(matrix: Matrix) -> None:
    (yanked,) = [release for release, row in matrix.fastais.items() if row.yanked]
    assert decided(matrix, host(), f"fastai=={yanked}").stack.release("fastai") == yanked
    made = decided(matrix, host(), f"fastai<={yanked}")
    assert made.stack["fastai"].release < yanked


def test_old_fastai_without_upper_bound_is_never_walked_back_to(matrix: Matrix) -> None:
    unbounded = [row for row in matrix.fastais.values() if "<" not in row.requires["torch"]]
    assert unbounded
    for torch in minors(matrix):
        python = max(matrix.builds_for(torch, LINUX)[0].pythons, key=lambda text: Version(text.rstrip("t")))
        oldest = refused if torch >= Version("1.8") else decided
        for index in (IndexPolicy.AUTO, IndexPolicy.PYPI):
            oldest(matrix, host(python=python), f"torch=={torch}", "fastai<2.2", index=index)


# Proofs.


def proofs_of(made: Decision, build: str = "", level: ProofLevel = ProofLevel.TRAINED_CPU) -> dict[Any, Any]:
    assert made.host.python.value
    assert made.host.platform.value
    key = proof_key(made.stack, made.host.platform.value)
    tag, _, index = (build or f"{made.build}@{made.index}").partition("@")
    return {key: [(proof_tag(made.host.python.value, tag, index), ProofMark(level, "a record"))]}


def minors(matrix: Matrix) -> list[Version]:
    """The newest release of each minor, newest first."""
    found: dict[tuple[int, int], Version] = {}
    for torch in matrix.torches:
        found.setdefault((torch.major, torch.minor), torch)
    return list(found.values())


@pytest.mark.parametrize(
    ("back", "prefer", "taken"),
    [
        (0, Prefer.PROVEN, 0),
        (1, Prefer.PROVEN, 1),
        (2, Prefer.PROVEN, 0),
        (0, Prefer.NEWEST, 0),
        (1, Prefer.NEWEST, 0),
    ],
)
def test_stepping_back_at_most_one_minor_for_a_proof(matrix: Matrix, back: int, prefer: Prefer, taken: int) -> None:
    releases = minors(matrix)
    where = host("8.0")
    proofs = proofs_of(decided(matrix, where, f"torch=={releases[back]}"))
    made = decide(Question(where, prefer=prefer), matrix, proofs)
    assert isinstance(made, Decision)
    assert made.stack.release("torch") == releases[taken]
    assert made.proof == (ProofMark(ProofLevel.TRAINED_CPU, "a record") if back == taken else None)


def test_a_proof_of_another_build_counts_as_versions_trained(matrix: Matrix) -> None:
    where = host("8.0")
    plain = decided(matrix, where)
    made = decide(Question(where), matrix, proofs_of(plain, "cpu@pytorch"))
    assert isinstance(made, Decision)
    assert made.proof == ProofMark(ProofLevel.VERSIONS_TRAINED, "a record")
    assert (made.stack, made.build) == (plain.stack, plain.build)


def test_the_best_proof_of_this_build_is_named(matrix: Matrix) -> None:
    where = host("8.0")
    plain = decided(matrix, where)
    (key, (entry,)) = next(iter(proofs_of(plain).items()))
    proofs = {key: [entry, (entry[0], ProofMark(ProofLevel.TRAINED_GPU, "better")), ("3.12 cpu@pytorch", entry[1])]}
    made = decide(Question(where), matrix, proofs)
    assert isinstance(made, Decision)
    assert made.proof == ProofMark(ProofLevel.TRAINED_GPU, "better")


def test_a_proof_for_another_python_counts_as_versions_trained(matrix: Matrix) -> None:
    proofs = proofs_of(decided(matrix, host("8.0", python="3.12")))
    made = decide(Question(host("8.0")), matrix, proofs)
    assert isinstance(made, Decision)
    assert made.proof == ProofMark(ProofLevel.VERSIONS_TRAINED, "a record", "3.12")
    assert made.proof.words == "versions-trained on Python 3.12"


def test_a_stack_that_its_versions_warn_of_gives_way_within_one_minor(matrix: Matrix) -> None:
    where = host("7.5", python="3.9")
    newest = decided(matrix, where, "torch<2.6", prefer=Prefer.NEWEST)
    case = Case(newest.stack, where, matrix, find_build(matrix, str(newest.stack.release("torch")), newest.build))
    assert [finding.code for finding in known_bad.check(case)] == ["behaviour-change"]
    made = decided(matrix, where, "torch<2.6")
    minors = [matrix.torch_minors.index(one.stack["torch"].release.release[:2]) for one in (newest, made)]
    assert minors[1] - minors[0] == 1
    assert made.stack["fastai"] == newest.stack["fastai"]
    assert not list(known_bad.check(case._replace(stack=made.stack)))
    assert any("fits as well with a warning" in note for note in made.notes)
    pinned = decided(matrix, where, f"torch=={newest.stack.release('torch')}")
    assert pinned.stack.release("torch") == newest.stack.release("torch")


def test_an_older_fastai_is_no_way_out_of_a_warning(matrix: Matrix) -> None:
    """Where the next minor of torch is warned of as well, the newest stays, with its warning."""
    made = decided(matrix, host("7.5", python="3.9"))
    assert made.stack == decided(matrix, host("7.5", python="3.9"), prefer=Prefer.NEWEST).stack
    assert any("does not work with fastai" in note for note in made.notes)


def test_older_ptx_is_the_last_resort_and_is_said(matrix: Matrix) -> None:
    where = host("12.0", platform="windows-amd64")
    free = decided(matrix, where)
    assert not any("only PTX" in note for note in free.notes)
    last = decided(matrix, where, "torch<2.7")
    assert any("only PTX of an older generation" in note for note in last.notes)


def test_a_jetson_prints_a_driver_number_of_its_own(matrix: Matrix) -> None:
    made = decided(matrix, host("11.0", driver="580.00", platform="linux-aarch64"))
    assert made.build.startswith("cu13")
    assert isinstance(decide(Question(host("9.0", driver="580.00", platform="linux-aarch64")), matrix), Decision)


@pytest.mark.parametrize(("platform", "build"), [("linux-aarch64", "cpu"), ("linux-x86_64", "cpu")])
def test_wheels_without_a_glibc_in_their_tag_have_the_floor_of_their_images(
    matrix: Matrix, platform: str, build: str
) -> None:
    """A CUDA build of the PyTorch index for a host without GPU was what an absent floor led to."""
    old = decided(matrix, host(platform=platform, libc="glibc 2.17", driver=None), "torch<2.6")
    assert old.build == build
    untagged = [b for builds in matrix.builds.values() for b in builds if b.wheel.startswith("linux_")]
    assert untagged and all(b.libc and (b.libc.major, b.libc.minor) >= (2, 17) for b in untagged)


def test_a_proof_does_not_lead_to_a_stack_that_does_not_fit(matrix: Matrix) -> None:
    proofs = proofs_of(decided(matrix, host("9.0")))
    made = decide(Question(host("7.0")), matrix, proofs)
    assert isinstance(made, Decision)
    assert made.stack == decided(matrix, host("7.0")).stack


def test_a_pin_outweighs_a_proof(matrix: Matrix) -> None:
    releases = minors(matrix)
    where = host("8.0")
    proofs = proofs_of(decided(matrix, where, f"torch=={releases[1]}"))
    made = decide(Question(where, parse_requirements([f"torch=={releases[0]}"])), matrix, proofs)
    assert isinstance(made, Decision)
    assert made.stack.release("torch") == releases[0]


def test_the_key_of_a_proof_knows_neither_build_nor_python() -> None:
    one = Stack([Pin("torch", Version("2.8.0+cpu"), "cpu"), Pin("fastai", Version("2.8.4"))])
    other = Stack([Pin("torch", Version("2.8.0"), "cu128"), Pin("fastai", Version("2.8.4"))])
    assert proof_key(one, LINUX) == proof_key(other, LINUX)
    assert proof_key(one, LINUX) != proof_key(one, "linux-aarch64")
    short, full = host(python="3.11").python.value, host(python="3.11.9").python.value
    assert short
    assert full
    assert proof_tag(short, "cpu", "pypi") == proof_tag(full, "cpu", "pypi") == "3.11 cpu@pypi"


# What the reader is told.


def test_the_last_torch_for_an_old_gpu_is_named(matrix: Matrix) -> None:
    made = decided(matrix, host("3.7", driver="470.256.02"))
    assert any(
        f"torch {made.stack.release('torch')} (cu118) is the last with code for GPU 3.7" in n for n in made.notes
    )
    assert any("R470 is the last driver branch" in note for note in made.notes)


def test_no_single_wheel_is_said_plainly(matrix: Matrix) -> None:
    made = decided(matrix, host("7.0", "10.0"))
    (sentence,) = [note for note in made.notes if "no single wheel" in note]
    assert f"no single wheel of torch {newest(matrix)} serves GPU 7.0 (7.0) and GPU 10.0 (10.0)" in sentence
    assert f"the newest single wheel for all is torch {made.stack.release('torch')} ({made.build})" in sentence
    build = find_build(matrix, str(made.stack.release("torch")), made.build)
    assert {"sm_70", "sm_100"} <= set(map(str, build.archs))


def test_several_gpus_of_one_kind_need_no_words(matrix: Matrix) -> None:
    assert not any("single wheel" in note for note in decided(matrix, host("9.0", "9.0")).notes)


def test_a_gpu_that_no_wheel_serves_is_left_to_the_cpu_and_said(matrix: Matrix) -> None:
    made = decided(matrix, host("3.0", driver="470.256.02"))
    assert made.build == "cpu"
    assert any("no torch in the matrix has code for GPU 3.0" in note for note in made.notes)


def test_healthy_decisions_say_nothing(matrix: Matrix) -> None:
    assert decided(matrix, host("9.0")).notes == ()
    assert decided(matrix, host()).notes == ()


def test_the_same_question_with_another_matrix_is_another_answer(matrix: Matrix) -> None:
    few = {**matrix.tables, "torch": [row for row in matrix.tables["torch"] if row["version"] == "2.5.1"]}
    few["build"] = [row for row in matrix.tables["build"] if row["torch"] == "2.5.1"]
    made = decided(Matrix(few, "sha256:few"), host("8.0"))
    assert made.stack.release("torch") == Version("2.5.1")
    assert made.matrix_digest == "sha256:few"
    assert replace(made, matrix_digest="") != made
