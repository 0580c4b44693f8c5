from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatmatrix.model.cuda import Arch, Capability, Cuda

CAPABILITIES = st.builds(Capability, st.integers(1, 99), st.integers(0, 9))


@given(st.builds(Cuda, st.integers(0, 999), st.integers(0, 999)))
def test_cuda_round_trip(cuda: Cuda) -> None:
    assert Cuda.parse(str(cuda)) == cuda


@given(st.builds(Cuda, st.integers(1, 99), st.integers(0, 9)))
def test_cuda_tag_round_trip(cuda: Cuda) -> None:
    assert Cuda.from_tag(cuda.tag) == cuda


@given(CAPABILITIES)
def test_capability_round_trip(capability: Capability) -> None:
    assert Capability.parse(str(capability)) == capability


@given(st.builds(Arch, st.booleans(), CAPABILITIES, st.sampled_from(["", "a", "f"])))
def test_arch_round_trip(arch: Arch) -> None:
    assert Arch.parse(str(arch)) == arch


@pytest.mark.parametrize(
    ("text", "cuda"), [("12.6", Cuda(12, 6)), ("12.6.3", Cuda(12, 6)), (" 11.8 ", Cuda(11, 8)), ("13.10", Cuda(13, 10))]
)
def test_cuda_parse(text: str, cuda: Cuda) -> None:
    assert Cuda.parse(text) == cuda


@pytest.mark.parametrize("text", ["", "12", "12.x", "cu126", "12.6-beta", "1234.5", "-1.2", "V12.6"])
def test_cuda_parse_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="not a CUDA version"):
        Cuda.parse(text)


@pytest.mark.parametrize(
    ("tag", "cuda"), [("cu126", Cuda(12, 6)), ("cu92", Cuda(9, 2)), ("cu130", Cuda(13, 0)), ("cu111", Cuda(11, 1))]
)
def test_tag(tag: str, cuda: Cuda) -> None:
    assert Cuda.from_tag(tag) == cuda


@pytest.mark.parametrize("tag", ["cpu", "rocm6.2", "xpu", "", "cu", "cu1", "cu12.6", "cu126_full"])
def test_not_a_cuda_tag(tag: str) -> None:
    assert Cuda.from_tag(tag) is None


@pytest.mark.parametrize(
    ("text", "arch"),
    [
        ("sm_86", Arch(False, Capability(8, 6))),
        ("sm_100", Arch(False, Capability(10, 0))),
        ("sm_90a", Arch(False, Capability(9, 0), "a")),
        ("sm_120f", Arch(False, Capability(12, 0), "f")),
        ("compute_120", Arch(True, Capability(12, 0))),
    ],
)
def test_arch_parse(text: str, arch: Arch) -> None:
    assert Arch.parse(text) == arch


@pytest.mark.parametrize("text", ["", "sm86", "sm_8", "sm_8.6", "gfx90a", "sm_90b", "SM_90", "compute_"])
def test_arch_parse_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="not an architecture"):
        Arch.parse(text)


@pytest.mark.parametrize("text", ["", "8", "86", "8.65", "sm_86", "8.x", "108.0"])
def test_capability_parse_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="not a compute capability"):
        Capability.parse(text)


def test_versions_order_as_numbers() -> None:
    assert Capability.parse("10.0") > Capability.parse("9.0")
    assert Cuda.parse("12.10") > Cuda.parse("12.9")
