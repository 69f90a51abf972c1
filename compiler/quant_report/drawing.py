"""
The report's drawings as SVG in the page: lines over the layers, histograms with their cuts, dots.

Colours are classes, which the page's style has for light and dark. Names come from models: all text is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from markupsafe import Markup, escape

from compiler.quant_report.spread import Spread

WIDE, HALF, TALL = 1160.0, 560.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 14.0, 18.0, 34.0
SMALL_WIDE, SMALL_TALL = 232.0, 92.0
"""Pixels of a drawing across the page, of one of two side by side, around its axes, and of one of many small ones."""

PARTS = 58
"""Steps of a small histogram."""

TICKS = 5
"""Lines across a drawing, about."""

Point = tuple[float, float]


def lines(
    series: Mapping[str, Sequence[Point]],
    across: str,
    up: str,
    marks: Mapping[str, float] | None = None,
    titles: Sequence[str] = (),
    dots: bool = False,
    wide: float = WIDE,
) -> Markup:
    """
    A line for each of `series` (class name: rising x, y), and upright marks at some x with their words.

    `titles` are what the points of the first series are called, shown to whoever points at them.
    """
    points = [point for line in series.values() for point in line]
    if not points:
        return Markup("")
    xs, ys = [x for x, _ in points], [y for _, y in points]
    low, high, tick = _nice(min(ys), max(ys))
    first, last = min(xs), max(xs)
    at = _Frame(first, last if last > first else first + 1, low, high, wide)
    body = [*_grid(at, low, high, tick), *(_mark(at, name, x) for name, x in (marks or {}).items())]
    for name, line in series.items():
        path = " ".join(f"{at.x(x):.1f},{at.y(y):.1f}" for x, y in line)
        body.append(f'<polyline class="line {escape(name)}" points="{path}"/>')
        if dots:
            body += [f'<circle class="{escape(name)}" cx="{at.x(x):.1f}" cy="{at.y(y):.1f}" r="3"/>' for x, y in line]
    named = zip(next(iter(series.values())), titles, strict=False)
    body += [
        f'<circle class="touch" cx="{at.x(x):.1f}" cy="{at.y(y):.1f}" r="4"><title>{escape(title)}</title></circle>'
        for (x, y), title in named
    ]
    body += [
        f'<text class="axis" x="{LEFT:g}" y="{TALL - 4:g}">{escape(across)}</text>',
        f'<text class="axis" x="4" y="{TOP - 8:g}">{escape(up)}</text>',
        f'<text class="axis" x="{LEFT:g}" y="{TALL - BOTTOM + 14:g}">{first:,g}</text>',
        f'<text class="axis end" x="{wide - RIGHT:g}" y="{TALL - BOTTOM + 14:g}">{last:,g}</text>',
    ]
    return _svg(wide, TALL, body, f"{up} over {across}")


def histogram(name: str, spread: Spread, cuts: Mapping[str, Point], held: Point | None) -> Markup:
    """
    One tensor's values, signed, on a log scale, from the least to the greatest.

    `cuts` are the ranges that the methods take, drawn as upright lines; `held` is what the type holds: what lies
    beyond is drawn as lost.
    """
    low, high = min(spread.low, 0.0), max(spread.high, 0.0)
    high = high if high > low else low + 1.0
    counts = np.log1p(spread.steps(low, high, PARTS))
    tops = counts / counts.max() if counts.max() else counts
    floor, width = SMALL_TALL - 14, SMALL_WIDE / PARTS
    kept: list[str] = []
    lost: list[str] = []
    for i, part in enumerate(tops.tolist()):
        if not part:
            continue
        middle = low + (i + 0.5) * (high - low) / PARTS
        inside = held is None or held[0] <= middle <= held[1]
        (kept if inside else lost).append(
            f"M{i * width:.1f},{floor:g}v{-part * (floor - 4):.1f}h{width:.1f}V{floor:g}z"
        )

    def x(value: float) -> float:
        return (value - low) / (high - low) * SMALL_WIDE

    body = [f'<path class="kept" d="{"".join(kept)}"/>', f'<path class="lost" d="{"".join(lost)}"/>']
    for method, (start, end) in cuts.items():
        for value in {start, end}:
            if low < value < high or value == end:
                spot = min(max(x(value), 0.5), SMALL_WIDE - 0.5)
                told = f"<title>{escape(method)}: {value:.4g}</title>"
                body.append(f'<path class="cut {escape(method)}" d="M{spot:.1f},2V{floor:g}">{told}</path>')
    body.append(f'<path class="axis" d="M0,{floor:g}H{SMALL_WIDE:g}"/>')
    body.append(f'<text class="axis" x="0" y="{SMALL_TALL - 3:g}">{low:.3g}</text>')
    body.append(f'<text class="axis end" x="{SMALL_WIDE:g}" y="{SMALL_TALL - 3:g}">{high:.3g}</text>')
    return _svg(SMALL_WIDE, SMALL_TALL, body, f"values of {name}")


def bar(share: float, tone: str) -> Markup:
    """A bar of a part of the whole, for a cell of a table."""
    width = 100 * min(max(share, 0.0), 1.0)
    return Markup(f'<span class="bar"><i class="{escape(tone)}" style="width:{width:.1f}%"></i></span>')


class _Frame:
    """From what is drawn to pixels of the drawing."""

    def __init__(self, first: float, last: float, low: float, high: float, wide: float) -> None:
        self._x, self._y, self.wide = (first, last), (low, high), wide

    def x(self, value: float) -> float:
        first, last = self._x
        return LEFT + (value - first) / (last - first) * (self.wide - LEFT - RIGHT)

    def y(self, value: float) -> float:
        low, high = self._y
        return TALL - BOTTOM - (value - low) / (high - low) * (TALL - TOP - BOTTOM)


def _grid(at: _Frame, low: float, high: float, tick: float) -> Iterator[str]:
    for i in range(round((high - low) / tick) + 1):
        y = at.y(low + i * tick)
        yield f'<path class="grid" d="M{LEFT:g},{y:.1f}H{at.wide - RIGHT:g}"/>'
        yield f'<text class="axis end" x="{LEFT - 6:g}" y="{y + 4:.1f}">{low + i * tick:g}</text>'


def _mark(at: _Frame, name: str, value: float) -> str:
    x = at.x(value)
    end = ' end" x="' + f"{x - 4:.1f}" if x > at.wide / 2 else '" x="' + f"{x + 4:.1f}"
    line = f'<path class="mark" d="M{x:.1f},{TOP:g}V{TALL - BOTTOM:g}"/>'
    return f'{line}<text class="mark{end}" y="{TALL - BOTTOM - 6:g}">{escape(name)}</text>'


def _nice(low: float, high: float) -> tuple[float, float, float]:
    """The ends of an axis at whole ticks, and the tick: 1, 2 or 5 times a power of ten."""
    span = (high - low) or abs(high) or 1.0
    rough = span / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    tick = next(step * power for step in (1, 2, 5, 10) if step * power >= rough)
    start, end = math.floor(low / tick) * tick, math.ceil(high / tick) * tick
    return start, end if end > start else start + tick, tick


def _svg(wide: float, tall: float, body: Sequence[str], label: str) -> Markup:
    return Markup(
        f'<svg viewBox="0 0 {wide:g} {tall:g}" role="img" aria-label="{escape(label)}">{"".join(map(str, body))}</svg>'
    )
