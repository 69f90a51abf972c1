"""Each layer against what the chip can do at most: MACs a cycle over MACs a byte moved."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.ticker import LogLocator

from assets.plots import canvas
from assets.plots.canvas import COLOURS, INK, PIXEL, pixels, styled
from assets.plots.webp import lossless

GREATEST_RADIUS = 9
"""Of the layer that keeps an engine busy the longest, in pixels; area stands for cycles."""


@styled()
def draw(inputs: Mapping[str, Path]) -> bytes:
    """
    From `profile.json`: a disc a layer with MACs, its cycles those of the engine it keeps busy longer.

    A layer that moves nothing to or from DDR, all it reads being in local memory already, stands at the right edge.
    """
    told = json.loads((inputs["profile"] / "profile.json").read_text())
    roofs, layers = told["roofs"], [layer for layer in told["layers"] if layer["macs"]]
    layers.sort(key=lambda layer: -max(layer["tiu_cycles"], layer["gdma_cycles"]))
    macs = np.array([layer["macs"] for layer in layers], np.float64)
    cycles = np.array([max(layer["tiu_cycles"], layer["gdma_cycles"], 1) for layer in layers], np.float64)
    moved = np.array([layer["load_bytes"] + layer["store_bytes"] for layer in layers], np.float64)
    peak, wide = float(roofs["macs_per_cycle"]), float(roofs["bytes_per_cycle"])
    ridge = peak / wide
    intensity = np.divide(macs, moved, out=np.full_like(macs, np.inf), where=moved > 0)
    finite = intensity[np.isfinite(intensity)].tolist()
    left, right = min([*finite, ridge]) / 2, max([*finite, ridge]) * 4
    speed = macs / cycles
    floor = min([*speed.tolist(), peak / 4]) / 2
    share = 100 * told["totals"]["mac_utilisation"]
    axes = canvas.axes(
        f"{len(layers)} layers with MACs under the chip's roofs; {share:.0f} % of its MACs used over the run"
    )
    axes.loglog((left, ridge, right), (left * wide, peak, peak), color=INK, linewidth=2 * PIXEL)
    axes.set(xlim=(left, right), xlabel="MACs a byte to or from DDR (right edge: none moved)")
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
    canvas.legend(axes, {"DDR is its roof": COLOURS[1], "compute is": COLOURS[0]})
    return lossless(pixels(axes))


def powers(low: float, high: float) -> LogLocator:
    """Ticks at powers of ten, or of two where the range is short."""
    return LogLocator(10 if high > 100 * low else 2, numticks=6)
