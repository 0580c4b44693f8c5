"""The page's colours can be told apart from what lies behind them, in light and in dark."""

from __future__ import annotations

import re

import pytest

from compatmatrix.prove.page.style import CHART, COLOURS, DARK, GROUNDS, LIGHT, PAGE, TEXT


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_measure_itself() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("text", TEXT)
def test_text_and_lines_have_contrast(colours: dict[str, str], ground: str, text: str) -> None:
    assert contrast(colours[text], colours[ground]) >= 4.5


def test_every_colour_that_is_used_is_defined_in_both() -> None:
    used = set(re.findall(r"var\(--(\w+)\)", PAGE + CHART))
    assert used <= LIGHT.keys() == DARK.keys()
    assert re.findall(r"#[0-9a-f]{6}", PAGE + CHART) == [], "a colour that does not change with the mode"
    assert "prefers-color-scheme:dark" in COLOURS
