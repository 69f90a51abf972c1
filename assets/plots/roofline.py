"""Each layer and each group against what the chip can do at most: MACs a cycle over MACs a byte moved."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import LogLocator
from numpy.typing import NDArray

from assets.plots import canvas
from assets.plots.canvas import COLOURS, INK, PIXEL, pixels, styled
from assets.plots.webp import lossless

KINDS = ("weight_bytes", "in_bytes", "out_bytes", "io_bytes")
"""All that moves to and from DDR."""

GROUP_RADIUS = 5
GREATEST_RADIUS = 9
"""Of the layer that keeps an engine busy the longest, in pixels; area stands for cycles."""


@styled()
def draw(inputs: Mapping[str, Path]) -> bytes:
    """
    From `profile.json`: a disc a layer with MACs, a ring a group; cycles are those of the engine kept busy longer.

    What moves nothing to or from DDR, all it reads being in local memory already, stands at the right edge.
    """
    told = json.loads((inputs["profile"] / "profile.json").read_text())
    roofs, layers, groups = told["roofs"], _measured(told["layers"]), _measured(told["groups"])
    macs, moved, cycles = layers
    peak, wide = float(roofs["macs_per_cycle"]), float(roofs["bytes_per_cycle"])
    ridge = peak / wide
    intensity, speed = _intensity(layers), macs / cycles
    finite = [value for part in (layers, groups) for value in _intensity(part).tolist() if np.isfinite(value)]
    left, right = min([*finite, ridge]) / 2, max([*finite, ridge]) * 4
    floor = min([*speed.tolist(), *(groups[0] / groups[2]).tolist(), peak / 4]) / 2
    share = 100 * told["totals"]["mac_utilisation"]
    axes = canvas.axes(
        f"{len(macs)} layers and {len(groups[0])} groups with MACs; {share:.0f} % of the chip's used over the run"
    )
    axes.loglog((left, ridge, right), (left * wide, peak, peak), color=INK, linewidth=2 * PIXEL)
    axes.set(xlim=(left, right), xlabel="MACs a byte of DDR (right edge: none)")
    axes.set(ylim=(floor, peak * 3), ylabel="MACs a cycle")
    for axis, low, high in ((axes.xaxis, left, right), (axes.yaxis, floor, peak * 3)):
        axis.set_major_locator(powers(low, high))
        axis.set_major_formatter("{x:,g}")
    axes.minorticks_off()
    axes.text(right, peak * 1.4, f"{peak:,.0f} MACs a cycle", ha="right")
    radii = np.maximum(3, GREATEST_RADIUS * np.sqrt(cycles / cycles.max(initial=1)))
    for bound, colour in ((moved * peak > macs * wide, COLOURS[1]), (moved * peak <= macs * wide, COLOURS[0])):
        axes.scatter(
            np.minimum(intensity, right)[bound], speed[bound], (2 * PIXEL * radii[bound]) ** 2, colour,
            edgecolors="white", linewidths=PIXEL, clip_on=False, zorder=3,
        )  # fmt: skip
    axes.scatter(
        np.minimum(_intensity(groups), right), groups[0] / groups[2], (2 * PIXEL * GROUP_RADIUS) ** 2, "none",
        edgecolors=COLOURS[2], linewidths=PIXEL, clip_on=False, zorder=4,
    )  # fmt: skip
    canvas.legend(axes, {"layer under DDR": COLOURS[1], "under compute": COLOURS[0], "group": COLOURS[2]})
    return lossless(pixels(axes))


def _measured(parts: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    """(3, parts) of those with MACs, the longest first: MACs, bytes to and from DDR, cycles."""
    rows = [
        (part["macs"], sum(part[kind] for kind in KINDS), max(part["tiu_cycles"], part["gdma_cycles"], 1))
        for part in parts
        if part["macs"]
    ]
    return np.array(sorted(rows, key=lambda row: -row[2]), np.float64).reshape(-1, 3).T


def _intensity(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """MACs a byte; infinite where none is moved."""
    macs, moved, _ = parts
    return np.divide(macs, moved, out=np.full_like(macs, np.inf), where=moved > 0)


def powers(low: float, high: float) -> LogLocator:
    """Ticks at powers of ten, or of two where the range is short."""
    return LogLocator(10 if high > 100 * low else 2, numticks=6)
