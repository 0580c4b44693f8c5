from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import InvalidVersion

from compatmatrix.model.driver import DriverVersion


@pytest.mark.parametrize(
    "text", ["535.104.05", "450.80.02", "525.60.13", "580.65.06", "570.26", "390.157", "470.256.02", "580"]
)
def test_prints_as_nvidia_does(text: str) -> None:
    assert str(DriverVersion(text)) == text
    assert DriverVersion(str(DriverVersion(text))) == DriverVersion(text)


def test_message_shows_the_zero() -> None:
    assert f"driver {DriverVersion('535.104.05')}" == "driver 535.104.05"


@pytest.mark.parametrize(
    ("older", "newer"),
    [("525.60.12", "525.60.13"), ("535.104.05", "535.104.12"), ("450.80.02", "450.102.04"), ("99.99", "100.01")],
)
def test_compares_as_numbers(older: str, newer: str) -> None:
    assert DriverVersion(older) < DriverVersion(newer)


def test_zeros_do_not_count() -> None:
    assert DriverVersion("535.104.5") == DriverVersion("535.104.05")
    assert hash(DriverVersion("535.104.5")) == hash(DriverVersion("535.104.05"))


@pytest.mark.parametrize("text", ["", "R535", "N/A", "535.104.05 (open)", "535,104"])
def test_not_a_driver(text: str) -> None:
    with pytest.raises(InvalidVersion):
        DriverVersion(text)


@given(st.integers(1, 1999), st.integers(0, 300), st.integers(0, 300) | st.none())
def test_round_trip(first: int, second: int, third: int | None) -> None:
    text = f"{first}.{second:02d}" + ("" if third is None else f".{third:02d}")
    assert str(DriverVersion(text)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("535.104.05", "535.104.05"), ("v535.104", "535.104"), ("R535", "R535"), (" r535 ", "R535"), ("580", "R580")],
)
def test_as_people_write_it(text: str, shown: str) -> None:
    driver = DriverVersion.given(text)
    assert str(driver) == shown
    assert DriverVersion.given(str(driver)) == driver, "a host file is read back"


def test_a_branch_stands_for_its_newest_release() -> None:
    assert DriverVersion("580.159.03") < DriverVersion.given("R580") < DriverVersion("590.44.01")
    assert DriverVersion.given("580").major == 580


@pytest.mark.parametrize("text", ["", "535.x", "R", "535-104", "12.4", "R12", "999999", "31.0.15.5123"])
def test_no_driver(text: str) -> None:
    with pytest.raises(ValueError, match="not a driver version"):
        DriverVersion.given(text)
