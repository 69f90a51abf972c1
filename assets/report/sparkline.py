"""A figure over the nights as a small inline drawing: no script, no file beside the page."""

import math
from collections.abc import Sequence

WIDTH, HEIGHT, EDGE = 84.0, 18.0, 2.5
"""Pixels."""


def sparkline(values: Sequence[float | None], title: str) -> str:
    """
    An SVG of the values, the oldest at the left; nights without a value are passed over, the last value is a dot.

    `title` is shown to whoever points at it. Empty text if there is nothing to draw.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return ""
    low, high = min(known), max(known)
    step = (WIDTH - 2 * EDGE) / max(len(values) - 1, 1)
    points = [
        (EDGE + step * i, _height(value, low, high))
        for i, value in enumerate(values)
        if value is not None and math.isfinite(value)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    return (
        f'<svg class="spark" width="{WIDTH:g}" height="{HEIGHT:g}" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img">'
        f"<title>{_plain(title)}</title>"
        f'<polyline points="{line}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="2"/></svg>'
    )


def _height(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low) if high > low else 0.5
    return HEIGHT - EDGE - share * (HEIGHT - 2 * EDGE)


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
