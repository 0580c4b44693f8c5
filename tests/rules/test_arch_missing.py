from __future__ import annotations

import pytest
from cases import build, case, find_build, gpu_unknown, host, severities
from packaging.version import Version

from compatmatrix.matrix import Matrix
from compatmatrix.model.finding import Finding
from compatmatrix.model.host import Host
from compatmatrix.rules import arch_missing

ERROR, UNKNOWN = ("arch-missing", "error"), ("arch-missing", "unknown")
OLDER_PTX = ("arch-missing", "warning")


def found(matrix: Matrix, where: Host, *texts: str) -> list[Finding]:
    return list(arch_missing.check(case(matrix, where, *texts)))


def compiled(matrix: Matrix, where: Host, archs: str, tag: str = "cu128") -> list[tuple[str, str]]:
    """The findings for a made-up build."""
    return severities(arch_missing.check(case(matrix, where, "torch==2.7.0", made=build(archs, tag))))


@pytest.mark.parametrize(
    ("where", "torch"),
    [
        pytest.param(host("8.9"), "torch==2.8.0+cu128", id="Ada on sm_86"),
        pytest.param(host("12.1"), "torch==2.8.0+cu128", id="GB10 on sm_120, whatever torch warns"),
        pytest.param(host("6.1"), "torch==2.8.0+cu126", id="GTX 1080 Ti on sm_60"),
        pytest.param(host("5.2"), "torch==2.8.0+cu126", id="Maxwell on sm_50"),
        pytest.param(host("7.0", "9.0", "12.0"), "torch==2.8.0+cu128", id="several GPUs, all served"),
        pytest.param(host(), "torch==2.8.0+cu128", id="no GPU"),
        pytest.param(gpu_unknown(host()), "torch==2.8.0+cu128", id="not known whether there is a GPU"),
        pytest.param(host("3.0"), "torch==2.8.0+cpu", id="a CPU build"),
        pytest.param(host("3.0"), "torch==9.9.0", id="a torch that is not in the matrix"),
        pytest.param(host("3.0"), "numpy==2.0.0", id="no torch"),
        pytest.param(host("8.6", driver=None), "torch==2.8.0+cu128", id="unknown driver"),
        pytest.param(host("9.0", driver="535.104.05"), "torch==2.8.0+cu128", id="a driver older than the toolkit"),
    ],
)
def test_silent(matrix: Matrix, where: Host, torch: str) -> None:
    assert found(matrix, where, torch) == []


@pytest.mark.parametrize(
    ("capability", "archs", "served"),
    [
        ("8.9", "sm_80 sm_86", True),
        ("8.9", "sm_80", True),
        ("8.6", "sm_80", True),
        ("8.0", "sm_86", False),
        ("8.6", "sm_89", False),
        ("9.0", "sm_80 sm_86", False),
        ("9.0", "sm_90", True),
        ("9.0", "sm_90a", True),
        ("12.1", "sm_120", True),
        ("12.0", "sm_121", False),
        ("12.0", "sm_100", False),
        ("10.3", "sm_100", True),
        ("10.0", "sm_103", False),
        ("11.0", "sm_100", False),
        ("11.0", "sm_110", True),
        ("10.3", "sm_100a", False),
        ("10.3", "sm_100f", True),
        ("7.5", "sm_70", True),
        ("7.0", "sm_75", False),
        ("6.1", "sm_60", True),
        ("6.0", "sm_61", False),
        ("7.0", "sm_50 sm_60", False),
    ],
)
def test_machine_code_serves_later_minors_of_its_major_only(
    matrix: Matrix, capability: str, archs: str, served: bool
) -> None:
    assert compiled(matrix, host(capability), archs) == ([] if served else [ERROR])


@pytest.mark.parametrize(
    ("capability", "archs", "served"),
    [
        ("5.3", "sm_50", False),
        ("5.3", "sm_53", True),
        ("6.2", "sm_60 sm_61", False),
        ("6.2", "sm_62", True),
        ("7.2", "sm_70", False),
        ("7.2", "sm_72", True),
        ("7.5", "sm_72", False),
        ("8.7", "sm_80 sm_86", False),
        ("8.7", "sm_87", True),
        ("8.9", "sm_87", False),
    ],
)
def test_tegra_takes_no_neighbours_code_and_gives_none(
    matrix: Matrix, capability: str, archs: str, served: bool
) -> None:
    assert compiled(matrix, host(capability), archs) == ([] if served else [ERROR])


@pytest.mark.parametrize(("tag", "served"), [("cu130", False), ("cu131", False), ("cu132", True), ("cu133", True)])
def test_tegra_is_relaxed_from_cuda_13_2_on(matrix: Matrix, tag: str, served: bool) -> None:
    assert compiled(matrix, host("8.7", driver="999.1"), "sm_80 sm_86", tag) == ([] if served else [ERROR])


@pytest.mark.parametrize(
    ("driver", "tag", "served"),
    [
        ("570.26", "cu128", True),
        ("565.57.01", "cu128", False),
        ("535.104.05", "cu128", False),
        ("535.104.05", "cu121", True),
        ("560.28.03", "cu126", True),
        ("550.54.14", "cu126", False),
        (None, "cu128", True),
    ],
)
def test_ptx_loads_only_where_the_driver_knows_its_toolkit(
    matrix: Matrix, driver: str | None, tag: str, served: bool
) -> None:
    """Minor-version compatibility is for machine code: PTX of a newer toolkit does not load."""
    where = host("9.0", driver=driver)
    assert compiled(matrix, where, "sm_80 compute_80", tag) == ([OLDER_PTX] if served else [ERROR])
    assert compiled(matrix, where, "sm_80 sm_90", tag) == []


@pytest.mark.parametrize(
    ("capability", "archs", "expected"),
    [
        ("9.0", "compute_80", [OLDER_PTX]),
        ("12.0", "compute_90", [OLDER_PTX]),
        ("12.0", "sm_90 sm_120 compute_90", []),
        ("12.1", "sm_120 compute_90", []),
        ("12.1", "compute_120", []),
        ("8.9", "sm_70 compute_80", []),
        ("7.5", "compute_80", [ERROR]),
        ("8.7", "compute_80", []),
        ("12.0", "compute_90a", [ERROR]),
        ("9.0", "compute_90a", []),
    ],
)
def test_ptx_runs_on_everything_later(
    matrix: Matrix, capability: str, archs: str, expected: list[tuple[str, str]]
) -> None:
    """On a later generation with a warning: the libraries of the build were made before it."""
    assert compiled(matrix, host(capability), archs) == expected


def test_older_ptx_is_said_and_another_build_of_machine_code_advised(matrix: Matrix) -> None:
    where = host("12.0", platform="windows-amd64")
    (finding,) = found(matrix, where, "torch==2.7.1+cu118")
    assert "only PTX of an older generation" in finding.message
    assert finding.fix == ("torch==2.7.1+cu128",)
    (alone,) = found(matrix, where, "torch==2.6.0+cu118")
    assert (str(alone.severity), alone.fix) == ("warning", ())


def test_what_is_missing_and_what_there_is(matrix: Matrix) -> None:
    texts = ("torch==2.11.0+cu128", "torchvision==0.26.0+cu128", "torchaudio==2.11.0+cu128")
    (finding,) = found(matrix, host("7.0"), *texts)
    assert (finding.code, str(finding.severity)) == ERROR
    assert "no code for GPU 7.0 (7.0)" in finding.message
    assert "sm_75 sm_80" in finding.message
    assert finding.fix == ("torch==2.11.0+cu126", "torchvision==0.26.0+cu126", "torchaudio==2.11.0+cu126")
    assert finding.evidence == (find_build(matrix, "2.11.0", "cu128").evidence,)


def test_the_build_of_the_release_before_still_had_it(matrix: Matrix) -> None:
    """cu128 drops sm_70 in 2.11."""
    assert found(matrix, host("7.0"), "torch==2.10.0+cu128") == []


def test_plain_torch_on_an_old_gpu_with_a_new_driver(matrix: Matrix) -> None:
    """What a plain `pip install torch` gives: the floor is met, the kernels are not there."""
    for torch in matrix.torches:
        if torch >= Version("2.12"):
            (finding,) = found(matrix, host("7.0"), f"torch=={torch}")
            assert (finding.code, str(finding.severity)) == ERROR


def test_every_gpu_must_be_served(matrix: Matrix) -> None:
    (finding,) = found(matrix, host("8.0", "7.0", "9.0", "6.1", "7.0"), "torch==2.11.0+cu128")
    assert "GPU 7.0 (7.0), GPU 6.1 (6.1):" in finding.message
    assert finding.fix == ("torch==2.11.0+cu126",)


def test_no_build_serves_all(matrix: Matrix) -> None:
    (finding,) = found(matrix, host("7.0", "12.0"), "torch==2.11.0+cu128")
    assert finding.fix == ()
    assert "no build of this torch serves all" in finding.hint


def test_a_gpu_of_unknown_capability_is_an_unknown(matrix: Matrix) -> None:
    findings = found(matrix, host("?", "7.0", "?"), "torch==2.11.0+cu128")
    assert severities(findings) == [UNKNOWN, ERROR]
    assert "--cc" in findings[0].hint


def test_unread_architectures_are_an_unknown(matrix: Matrix) -> None:
    assert compiled(matrix, host("8.0"), "") == [UNKNOWN]
    assert compiled(matrix, host(), "") == []
