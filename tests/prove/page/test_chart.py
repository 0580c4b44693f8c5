"""Charts: every point lies inside, the axes name it, and a screen reader gets numbers."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatmatrix.prove.page.chart import HEIGHT, WIDTH, Axis, Series, chart

POINTS = ((1.0, 2.0), (2.0, 8.0), (3.0, 4.0))
SVG = "{http://www.w3.org/2000/svg}"


def drawn(text: str) -> list[tuple[float, float]]:
    line = ElementTree.fromstring(text).find(f".//{SVG}polyline")
    assert line is not None
    return [(float(a), float(b)) for a, b in (pair.split(",") for pair in line.attrib["points"].split())]


def test_nothing_to_draw() -> None:
    assert chart("x", "Nothing", [Series("empty", ())], Axis("x"), Axis("y")) == ""


def test_it_is_titled_and_described() -> None:
    root = ElementTree.fromstring(chart("c", "Loss", [Series("train", POINTS)], Axis("batch"), Axis("loss")))
    title, described = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert root.attrib["role"] == "img"
    assert title is not None and described is not None
    assert root.attrib["aria-labelledby"].split() == [title.attrib["id"], described.attrib["id"]]
    assert title.text == "Loss"
    assert described.text == "train (loss) over batch: 3 points, from 2 to 4, lowest 2, highest 8."


def test_higher_is_drawn_higher() -> None:
    first, second, third = drawn(chart("c", "t", [Series("s", POINTS)], Axis("x"), Axis("y")))
    assert first[0] < second[0] < third[0]
    assert second[1] < third[1] < first[1]


def test_equal_steps_on_a_logarithmic_axis() -> None:
    points = tuple((float(2**power), 1.0) for power in range(5, 11))
    places = [a for a, _ in drawn(chart("c", "t", [Series("s", points)], Axis("x", log=True), Axis("y")))]
    steps = [b - a for a, b in pairwise(places)]
    assert max(steps) - min(steps) < 0.25


def test_each_line_has_a_form_of_its_own_besides_its_colour() -> None:
    lines = [Series(f"line {number}", POINTS, marked=True) for number in range(4)]
    text = chart("c", "t", lines, Axis("x"), Axis("y"))
    assert [f'class="s{number}"' in text for number in range(4)] == [True] * 4
    for number in range(4):
        assert f"line {number}" in text


def test_names_are_escaped() -> None:
    ElementTree.fromstring(chart("c", "<&", [Series("<script>", POINTS)], Axis("<x>"), Axis('"y"')))


@given(
    st.lists(st.tuples(st.floats(1e-9, 1e12), st.floats(-1e9, 1e12)), min_size=1, max_size=30),
    st.booleans(),
    st.booleans(),
)
def test_every_point_lies_inside(points: list[tuple[float, float]], log: bool, from_zero: bool) -> None:
    text = chart("c", "t", [Series("s", tuple(sorted(points)))], Axis("x", log=log), Axis("y", from_zero=from_zero))
    assert all(-1 <= a <= WIDTH + 1 and -1 <= b <= HEIGHT + 1 for a, b in drawn(text))
    assert not re.search(r"\b(nan|inf)\b", text)


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0])
def test_one_single_value(value: float) -> None:
    assert len(drawn(chart("c", "t", [Series("s", ((1.0, value),))], Axis("x"), Axis("y")))) == 1
