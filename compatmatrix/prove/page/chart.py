"""Charts as SVG, drawn here: no library, no script, readable as a list of numbers by those who do not see them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 360, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 14, 12, 42
_MARKERS = ("circle", "square", "triangle", "diamond")


class Series(NamedTuple):
    """One line: its name, its points in the order of x, and whether each point gets a mark."""

    name: str
    points: tuple[tuple[float, float], ...]
    marked: bool = False


class Axis(NamedTuple):
    """One axis: what it shows, and whether it is logarithmic."""

    label: str
    log: bool = False
    from_zero: bool = False


def chart(identifier: str, title: str, series: Sequence[Series], x: Axis, y: Axis, ticks: Sequence[float] = ()) -> str:
    """An SVG of lines with a legend below, titled and described for a screen reader; empty without points.

    identifier: unique on the page. ticks: where the x axis is marked, else chosen here.
    """
    series = [one for one in series if one.points]
    xs = [point[0] for one in series for point in one.points]
    ys = [point[1] for one in series for point in one.points]
    if not series:
        return ""
    across, up = _scale(xs, x, _LEFT, WIDTH - _RIGHT), _scale(ys, y, HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + 16 * len(series)}"'
        f' role="img" aria-labelledby="{identifier}-t {identifier}-d">',
        f'<title id="{identifier}-t">{escape(title)}</title>',
        f'<desc id="{identifier}-d">{escape(_described(series, x, y))}</desc>',
    ]
    for value in up.ticks:
        at = up.place(value)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 5}" y="{at + 4:.1f}" text-anchor="end">{_short(value)}</text>')
    for value in ticks or across.ticks:
        at = across.place(value)
        parts.append(
            f'<text x="{at:.1f}" y="{HEIGHT - _BOTTOM + 16}" text-anchor="middle">{_short(value)}</text>'
            f'<line class="axis" x1="{at:.1f}" x2="{at:.1f}" y1="{HEIGHT - _BOTTOM}" y2="{HEIGHT - _BOTTOM + 4}"/>'
        )
    base = HEIGHT - _BOTTOM
    parts.append(f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{base}" y2="{base}"/>')
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x.label)}</text>')
    for number, one in enumerate(series):
        parts += _line(one, number % len(_MARKERS), across, up)
        at = HEIGHT + 16 * number + 6
        parts.append(f'<g class="s{number % len(_MARKERS)}"><line class="line" x1="48" x2="72" y1="{at}" y2="{at}"/>')
        parts.append((_mark(60, at, number % len(_MARKERS)) if one.marked else "") + "</g>")
        parts.append(f'<text x="79" y="{at + 4}">{escape(one.name)}{escape(_unit(y))}</text>')
    return "".join([*parts, "</svg>"])


class _Scale(NamedTuple):
    low: float
    high: float
    log: bool
    start: float
    end: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        here = math.log(max(value, self.low)) if self.log else value
        return self.start + (here - low) / (high - low) * (self.end - self.start)


def _scale(values: Sequence[float], axis: Axis, start: float, end: float) -> _Scale:
    low, high = min(values), max(values)
    log = axis.log and low > 0
    if log:
        if high <= low:
            low, high = low / 2, high * 2
        steps = [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
        if len([step for step in steps if low <= step <= high]) < 2:
            steps = [step * part for step in steps for part in (1, 2, 5)]
        inside = [step for step in steps if low * 0.999 <= step <= high * 1.001]
        return _Scale(low, high, True, start, end, tuple(inside[:: max(1, len(inside) // 6)]))
    if axis.from_zero:
        low = min(0.0, low)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    step = _step((high - low) / 4)
    low, high = (math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step)
    count = round((high - low) / step)
    return _Scale(low, high, False, start, end, tuple(low + step * number for number in range(count + 1)))


def _step(rough: float) -> float:
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(power * part for part in (1, 2, 5, 10) if power * part >= rough * 0.999)


def _line(one: Series, number: int, across: _Scale, up: _Scale) -> list[str]:
    places = [(across.place(a), up.place(b)) for a, b in one.points]
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
    parts = [f'<g class="s{number}"><polyline class="line" points="{path}"/>']
    if one.marked or len(places) == 1:
        parts += [_mark(a, b, number) for a, b in places]
    return [*parts, "</g>"]


def _mark(a: float, b: float, number: int) -> str:
    """A mark whose form tells the line as well as its colour does."""
    shape = _MARKERS[number]
    if shape == "circle":
        return f'<circle class="mark" cx="{a:.1f}" cy="{b:.1f}" r="3.2"/>'
    corners = {
        "square": ((-3, -3), (3, -3), (3, 3), (-3, 3)),
        "triangle": ((0, -4), (4, 3), (-4, 3)),
        "diamond": ((0, -4.5), (4, 0), (0, 4.5), (-4, 0)),
    }[shape]
    points = " ".join(f"{a + dx:.1f},{b + dy:.1f}" for dx, dy in corners)
    return f'<polygon class="mark" points="{points}"/>'


def _unit(axis: Axis) -> str:
    return f" ({axis.label})" if axis.label else ""


def _described(series: Sequence[Series], x: Axis, y: Axis) -> str:
    sentences = []
    for one in series:
        values = [value for _, value in one.points]
        sentences.append(
            f"{one.name}{_unit(y)} over {x.label}: {len(values)} points, from {_short(values[0])} to"
            f" {_short(values[-1])}, lowest {_short(min(values))}, highest {_short(max(values))}."
        )
    return " ".join(sentences)


def _short(value: float) -> str:
    """A number in few characters: 0.25, 12, 1.2k, 3M, 1e-07."""
    if value == 0:
        return "0"
    size = abs(value)
    for bound, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= bound:
            base = bound / 10 if unit == "k" else bound
            return f"{value / base:.3g}{unit}"
    return f"{value:.0e}" if size < 1e-3 else f"{value:.4g}"
