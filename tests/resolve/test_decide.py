"""Decisions by name: preference, pins, the index."""

from __future__ import annotations

import pytest
from cases import LINUX, host, newest
from packaging.version import Version

from compatmatrix.errors import UsageError
from compatmatrix.matrix import Matrix
from compatmatrix.model.decision import Decision
from compatmatrix.resolve.decide import decide
from compatmatrix.resolve.question import IndexPolicy, Question

from .asking import ask, codes, decided, minors, refused


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


def test_numpy_is_constrained_where_the_wheels_need_it(matrix: Matrix) -> None:
    assert "numpy<2" in decided(matrix, host(), "torch==2.2.2").constraints
    assert not any(text.startswith("numpy<2") for text in decided(matrix, host(), "torch==2.5.1").constraints)


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
