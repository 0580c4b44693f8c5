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
