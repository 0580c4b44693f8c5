from __future__ import annotations

import pytest
from cases import LINUX, with_rows
from packaging.version import Version

from compatmatrix.matrix import Matrix
from compatmatrix.matrix.rows import admits, libc_floor
from compatmatrix.model.cuda import Cuda
from compatmatrix.model.host import Libc


@pytest.mark.parametrize(
    ("torch", "torchvision", "torchaudio"),
    [
        ("1.13.1", "0.14.1", "0.13.1"),
        ("2.0.1", "0.15.2", "2.0.2"),
        ("2.8.0", "0.23.0", "2.8.0"),
        ("2.13.0", "0.28.0", "2.11.0"),
    ],
)
def test_pairs(matrix: Matrix, torch: str, torchvision: str, torchaudio: str) -> None:
    for name, version in (("torchvision", torchvision), ("torchaudio", torchaudio)):
        partner = matrix.partner(name, Version(torch))
        assert partner is not None
        assert partner.version == Version(version)


def test_every_torch_has_a_torchvision_that_admits_it(matrix: Matrix) -> None:
    for torch, row in matrix.torches.items():
        partner = matrix.partner("torchvision", torch)
        if not row.yanked:
            assert partner is not None, torch
            assert admits(partner.torch, torch)
            assert not partner.yanked


def test_a_pair_wins_over_a_newer_release_that_fits(matrix: Matrix) -> None:
    few = with_rows(
        matrix,
        "torchvision",
        {"version": "0.1", "torch": ">=2.7", "pair": "2.7.0"},
        {"version": "0.2", "torch": ">=2.7", "pair": "2.8.0"},
        {"version": "0.3", "torch": ">=2.7", "yanked": "broken"},
    )
    found = {torch: few.partner("torchvision", Version(torch)) for torch in ("2.6.0", "2.7.0", "2.8.0", "2.9.0")}
    assert {torch: str(row.version) if row else None for torch, row in found.items()} == {
        "2.6.0": None,
        "2.7.0": "0.1",
        "2.8.0": "0.2",
        "2.9.0": "0.2",
    }


def test_unknown_torch_has_no_partner(matrix: Matrix) -> None:
    assert matrix.partner("torchvision", Version("0.1")) is None


@pytest.mark.parametrize(
    ("wheel", "floor"),
    [
        ("manylinux_2_28_x86_64", Libc("glibc", 2, 28)),
        ("manylinux1_x86_64", Libc("glibc", 2, 5)),
        ("manylinux2010_x86_64", Libc("glibc", 2, 12)),
        ("manylinux2014_aarch64", Libc("glibc", 2, 17)),
        ("manylinux2014_x86_64.manylinux_2_17_x86_64", Libc("glibc", 2, 17)),
        ("musllinux_1_2_x86_64", Libc("musl", 1, 2)),
        ("macosx_11_0_arm64", Libc("macos", 11, 0)),
        ("macosx_10_9_x86_64", Libc("macos", 10, 9)),
        ("linux_x86_64", None),
        ("win_amd64", None),
        ("any", None),
    ],
)
def test_libc_floor(wheel: str, floor: Libc | None) -> None:
    assert libc_floor(wheel) == floor


def test_releases_are_newest_first(matrix: Matrix) -> None:
    for rows in (matrix.torches, matrix.torchvisions, matrix.torchaudios, matrix.fastais):
        assert list(rows) == sorted(rows, reverse=True)
    assert list(matrix.cudas) == sorted(matrix.cudas, reverse=True)


def test_builds_are_in_order_of_preference(matrix: Matrix) -> None:
    """PyPI's own first, then the newest CUDA, the CPU build last."""
    for torch in matrix.torches:
        builds = matrix.builds_for(torch, LINUX)
        indexes = [build.index for build in builds]
        assert indexes == sorted(indexes), torch  # "pypi" before "pytorch"
        others = [build.cuda or Cuda(0, 0) for build in builds if build.index == "pytorch"]
        assert others == sorted(others, reverse=True), torch


def test_pypi_has_at_most_one_build_for_a_platform(matrix: Matrix) -> None:
    for torch in matrix.torches:
        for platform in matrix.platforms:
            assert len([b for b in matrix.builds_for(torch, platform) if b.index == "pypi"]) <= 1


def test_full_version_names_the_build_of_the_pytorch_index_only(matrix: Matrix) -> None:
    for builds in matrix.builds.values():
        for build in builds:
            assert build.full_version.local == (build.build if build.index == "pytorch" else None)


@pytest.mark.parametrize(
    ("torch", "tag", "there"),
    [
        ("2.12.0", "cu129", False),
        ("2.12.1", "cu129", True),
        ("2.13.0", "cu129", True),
        ("2.14.0", "cu129", False),
        ("2.14.0", "cu126", True),
        ("2.10.0", "cu128", True),
    ],
)
def test_traps_of_the_sources(matrix: Matrix, torch: str, tag: str, there: bool) -> None:
    """A build that a CI table names is not a published wheel."""
    assert (tag in {build.build for build in matrix.builds_for(Version(torch), LINUX)}) is there


@pytest.mark.parametrize(
    ("torch", "tag", "arch", "there"),
    [
        ("2.10.0", "cu128", "sm_70", True),
        ("2.11.0", "cu128", "sm_70", False),
        ("2.14.0", "cu126", "sm_50", True),
        ("2.7.0", "cu128", "sm_120", True),
        ("2.7.0", "cu126", "sm_120", False),
        ("2.14.0", "cu126", "sm_90", True),
    ],
)
def test_a_newer_release_can_cover_less(matrix: Matrix, torch: str, tag: str, arch: str, there: bool) -> None:
    build = next(b for b in matrix.builds_for(Version(torch), LINUX) if b.build == tag)
    assert (arch in map(str, build.archs)) is there


def test_yanked_partner_is_not_proposed(matrix: Matrix) -> None:
    for name in ("torchvision", "torchaudio"):
        for torch in matrix.torches:
            partner = matrix.partner(name, torch)
            assert partner is None or not partner.yanked


def test_mirror_address_has_no_slash_at_the_end(matrix: Matrix) -> None:
    made = Matrix({**matrix.tables, "index": {"pytorch": {"url": "https://wheels.example/whl/"}}}, "")
    assert made.pytorch_index == "https://wheels.example/whl"


def test_the_architectures_of_every_pypi_wheel_for_linux_were_read_from_it(matrix: Matrix) -> None:
    rows = [row for row in matrix.tables["build"] if (row["platform"], row["index"]) == (LINUX, "pypi")]
    assert {row["torch"] for row in rows} == {str(torch) for torch in matrix.torches}
    assert {row["method"] for row in rows} == {"measured"}
    assert all(row["archs"] for row in rows)


@pytest.mark.parametrize(
    ("torch", "platform", "tag", "arch", "there"),
    [
        ("1.7.1", LINUX, "cu102", "sm_75", True),
        ("1.8.1", LINUX, "cu102", "sm_75", False),
        ("1.12.1", LINUX, "cu116", "sm_86", True),
        ("1.12.1", "windows-amd64", "cu113", "compute_37", True),
        ("2.7.1", "windows-amd64", "cu126", "sm_61", True),
        ("2.7.1", LINUX, "cu126", "sm_61", False),
        ("2.15.0", "linux-aarch64", "cu132", "sm_110", True),
    ],
)
def test_lists_differ_by_release_and_platform(
    matrix: Matrix, torch: str, platform: str, tag: str, arch: str, there: bool
) -> None:
    build = next(b for b in matrix.builds_for(Version(torch), platform) if b.build == tag)
    assert (arch in map(str, build.archs)) is there


def test_a_wheel_that_no_installer_takes_is_no_build(matrix: Matrix) -> None:
    """torch 1.7.0 for Windows lies on PyPI with a folder "dist.info"."""
    builds = matrix.builds_for(Version("1.7.0"), "windows-amd64")
    assert builds
    assert all(build.index == "pytorch" for build in builds)


def test_builds_for_a_platform_are_those_of_all(matrix: Matrix) -> None:
    for torch, builds in matrix.builds.items():
        for platform in matrix.platforms:
            expected = [(b.build, b.index) for b in builds if b.platform == platform]
            assert [(b.build, b.index) for b in matrix.builds_for(torch, platform)] == expected


@pytest.mark.parametrize(
    ("cudnn", "cuda", "capability"),
    [
        ("7.6.5", 10, "3.0"),
        ("8.7.0.84", 11, "3.5"),
        ("8.8.0.121", 11, "5.0"),
        ("9.1.0.70", 11, "5.0"),
        ("9.10.2.21", 12, "5.0"),
        ("9.10", 12, "5.0"),
        ("9.11.0.98", 12, "7.5"),
        ("9.20.0.48", 12, "7.5"),
        ("9.13.0.50", 13, "7.5"),
        ("8.7.0.84", 12, None),
        ("9.13.0.50", 14, None),
    ],
)
def test_cudnn_floor(matrix: Matrix, cudnn: str, cuda: int, capability: str | None) -> None:
    found = matrix.cudnn_floor(Version(cudnn), cuda)
    assert (str(found.capability) if found else None) == capability


def test_every_cudnn_of_a_build_has_a_floor(matrix: Matrix) -> None:
    for builds in matrix.builds.values():
        for build in builds:
            if build.cudnn and build.cuda:
                assert matrix.cudnn_floor(build.cudnn, build.cuda.major), (build.full_version, build.cudnn)


@pytest.mark.parametrize(
    ("torch", "tag", "platform", "parts"),
    [
        ("1.6.0", "cu101", LINUX, ("7.6.3.30", "2.4.8", None)),
        ("1.13.1", "cu117", LINUX, ("8.5.0.96", "2.14.3", None)),
        ("2.6.0", "cu126", LINUX, ("9.5.1.17", "2.21.5", "3.2.0")),
        ("2.14.0", "cu126", LINUX, ("9.10.2.21", "2.29.3", "3.8.0")),
        ("2.15.0", "cu132", "linux-aarch64", ("9.26.0.51", "2.30.7", "3.9.0")),
        ("2.5.1", "cu124", "windows-amd64", ("9.1.0.70", None, None)),
        ("2.8.0", "cpu", LINUX, (None, None, None)),
    ],
)
def test_what_a_build_brings(
    matrix: Matrix, torch: str, tag: str, platform: str, parts: tuple[str | None, ...]
) -> None:
    build = next(b for b in matrix.builds_for(Version(torch), platform) if b.build == tag)
    assert tuple(str(part) if part else None for part in (build.cudnn, build.nccl, build.triton)) == parts


def test_arm_servers_have_a_cpu_build_where_pypi_has_cuda(matrix: Matrix) -> None:
    for torch in matrix.torches:
        builds = matrix.builds_for(torch, "linux-aarch64")
        if any(build.index == "pypi" and build.cuda for build in builds):
            assert [build.index for build in builds if build.cuda is None] == ["pytorch"], torch


@pytest.mark.parametrize(
    ("repository", "tag", "cuda", "cudnn", "torch"),
    [
        ("nvidia/cuda", "11.8.0-cudnn8-devel-ubuntu22.04", "11.8", "8", None),
        ("nvidia/cuda", "12.4.1-cudnn-runtime-ubuntu22.04", "12.4", "9", None),
        ("nvidia/cuda", "12.8.1-base-ubuntu24.04", "12.8", None, None),
        ("pytorch/pytorch", "2.9.1-cuda12.8-cudnn9-runtime", "12.8", "9", "2.9.1"),
    ],
)
def test_images(matrix: Matrix, repository: str, tag: str, cuda: str, cudnn: str | None, torch: str | None) -> None:
    row = matrix.images[repository, tag]
    assert (row.cuda, row.cudnn, row.torch) == (
        Cuda.parse(cuda),
        Version(cudnn) if cudnn else None,
        Version(torch) if torch else None,
    )


def test_an_image_with_torch_has_a_build_that_was_published(matrix: Matrix) -> None:
    for row in matrix.images.values():
        if row.torch:
            assert row.cuda in {build.cuda for build in matrix.builds_for(row.torch, LINUX)}, row.tag


@pytest.mark.parametrize(
    ("channel", "torch", "lacks"),
    [
        ("pytorch", "2.5.1", False),
        ("pytorch", "2.6.0", True),
        ("pytorch", "1.4.0", False),
        ("conda-forge", "2.8.0", False),
        ("conda-forge", "2.9.0", True),
        ("conda-forge", "2.2.2", True),
        ("conda-forge", "99.0", False),
        ("conda-forge", "1.4.0", False),
        ("defaults", "2.9.0", False),
    ],
)
def test_conda_lacks_only_what_is_certain(matrix: Matrix, channel: str, torch: str, lacks: bool) -> None:
    """Before the list begins, and after it ends on a channel that goes on, a release may be there."""
    assert (matrix.conda_lacks(channel, Version(torch)) is not None) is lacks
