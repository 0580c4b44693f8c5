"""`serves` against an independent, simple reference, for every wheel, every capability and many drivers."""

from __future__ import annotations

import itertools

import pytest
from cases import NEW_DRIVER, build, case, host
from hypothesis import given
from hypothesis import strategies as st

from compatmatrix.matrix import Matrix
from compatmatrix.matrix.rows import Build
from compatmatrix.model.cuda import Arch, Capability
from compatmatrix.model.driver import DriverVersion
from compatmatrix.rules.coverage import fitting_builds, serves, unserved

DRIVERS = (
    None,
    "390.157",
    "450.80.02",
    "470.256.02",
    "525.60.13",
    "535.104.05",
    "550.54.14",
    "565.57.01",
    "570.25",
    "570.26",
    "575.51.03",
    "580.65.06",
    "595.45.04",
    NEW_DRIVER,
)
# Tegra parts, and the CUDA from which a build's ordinary code is good for them too; from NVIDIA's programming guide.
TEGRA = {32: None, 53: None, 62: None, 72: None, 87: (13, 2), 110: (13, 2)}


def numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def reference(archs: list[str], tag: str, gpu: str, driver: str | None, made_with: str | None) -> bool:
    """The rule once more, with nothing but text and integers."""
    want = int(gpu.replace(".", ""))
    cuda = (int(tag[2:-1]), int(tag[-1])) if tag.startswith("cu") else (0, 0)
    for arch in archs:
        kind, _, rest = arch.partition("_")
        suffix = rest[-1] if rest[-1].isalpha() else ""
        have = int(rest.rstrip("af"))
        if kind == "compute":
            loads = driver is None or (made_with is not None and numbers(driver) >= numbers(made_with))
            if loads and (have == want if suffix else have <= want):
                return True
        elif have == want:
            return True
        elif suffix != "a" and have // 10 == want // 10 and have < want:
            tegra = [part for part in (have, want) if part in TEGRA]
            if all(TEGRA[part] is not None and cuda >= TEGRA[part] for part in tegra):  # type: ignore[operator]
                return True
    return False


def made_with(matrix: Matrix, tag: str, system: str) -> str | None:
    version = f"{tag[2:-1]}.{tag[-1]}"
    (row,) = [row for row in matrix.tables["cuda"] if row["version"] == version]
    found: str | None = row.get(f"driver-{system}")
    return found


def test_law_every_wheel_every_capability_every_driver(matrix: Matrix) -> None:
    kinds: dict[tuple[object, ...], Build] = {}
    for made in itertools.chain.from_iterable(matrix.builds.values()):
        kinds.setdefault((made.build, made.archs, made.platform.partition("-")[0]), made)
    served = 0
    for (_, _, system), made in kinds.items():
        archs = [str(arch) for arch in made.archs]
        origin = made_with(matrix, made.build, str(system)) if made.cuda else None
        for capability in matrix.capabilities:
            for driver in DRIVERS:
                expected = reference(archs, made.build, str(capability), driver, origin)
                version = DriverVersion(driver) if driver else None
                answer = serves(made, capability, version, str(system), matrix)
                assert answer is expected, (made.torch, made.build, archs, str(capability), driver)
                served += answer
    assert served > 1000  # the law is not kept for want of cases


ARCHS = st.builds(
    Arch,
    st.booleans(),
    st.sampled_from(
        [
            Capability.parse(text)
            for text in [
                "5.0",
                "5.3",
                "6.0",
                "6.2",
                "7.0",
                "7.2",
                "7.5",
                "8.0",
                "8.6",
                "8.7",
                "8.9",
                "9.0",
                "10.0",
                "10.3",
                "11.0",
                "12.0",
                "12.1",
            ]
        ]
    ),
    st.sampled_from(["", "", "", "a", "f"]),
)


@given(
    st.lists(ARCHS, max_size=5),
    st.sampled_from(["cu118", "cu121", "cu126", "cu128", "cu129", "cu130", "cu131", "cu132", "cu133"]),
    st.sampled_from(DRIVERS),
    st.data(),
)
def test_law_for_wheels_that_do_not_exist(
    matrix: Matrix, archs: list[Arch], tag: str, driver: str | None, data: st.DataObject
) -> None:
    capability = data.draw(st.sampled_from(list(matrix.capabilities)))
    made = build(" ".join(map(str, archs)), tag)
    expected = reference([str(arch) for arch in archs], tag, str(capability), driver, made_with(matrix, tag, "linux"))
    assert serves(made, capability, DriverVersion(driver) if driver else None, "linux", matrix) is expected


def test_unserved_names_each_gpu_once_and_leaves_out_what_is_not_known(matrix: Matrix) -> None:
    made = build("sm_80")
    missing = unserved(made, host("7.0", "8.6", "?", "7.0", "9.0"), "linux", matrix)
    assert [str(gpu.capability) for gpu in missing] == ["7.0", "9.0"]


@pytest.mark.parametrize(
    ("archs", "tag", "fits"),
    [
        ("sm_80", "cu128", True),
        ("sm_90", "cu128", False),
        ("sm_80", "cu130", False),
        ("", "cu128", False),
        ("", "cpu", False),
    ],
    ids=["fits", "no code", "driver too old", "architectures not known", "cpu"],
)
def test_fitting_builds(matrix: Matrix, archs: str, tag: str, fits: bool) -> None:
    made = build(archs, tag)
    where = host("8.0", driver="535.104.05")
    assert list(fitting_builds([made], case(matrix, where, "torch==2.7.0"))) == ([made] if fits else [])
