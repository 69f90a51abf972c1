"""Each layer against what the chip can do at most: MACs a cycle over MACs a byte moved."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from assets.plots.canvas import COLOURS, INK, Axis, Canvas, plain

GREATEST_RADIUS = 9
"""Of the layer that keeps an engine busy the longest, in pixels; area stands for cycles."""


def draw(inputs: Mapping[str, Path]) -> bytes:
    """
    From `profile.json`: a disc a layer with MACs, its cycles those of the engine it keeps busy longer.

    A layer that moves nothing to or from DDR, all it reads being in local memory already, stands at the right edge.
    """
    told = json.loads((inputs["profile"] / "profile.json").read_text())
    roofs, layers = told["roofs"], [layer for layer in told["layers"] if layer["macs"]]
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
    canvas = Canvas(
        f"{len(layers)} layers with MACs under the chip's roofs; {share:.0f} % of its MACs used over the run",
        Axis(left, right, "MACs a byte to or from DDR (right edge: none moved)", log=True),
        Axis(floor, peak * 3, "MACs a cycle", log=True),
    )
    corner = max(left, floor / wide)
    canvas.line((corner, ridge, right), (corner * wide, peak, peak), INK, 2)
    canvas.text(right, peak * 1.4, f"{peak:,.0f} MACs a cycle", anchor="rs")
    radii = np.maximum(2, np.rint(GREATEST_RADIUS * np.sqrt(cycles / cycles.max(initial=1))))
    for bound, colour in ((moved * peak > macs * wide, COLOURS[1]), (moved * peak <= macs * wide, COLOURS[0])):
        canvas.points(np.minimum(intensity, right)[bound], speed[bound], radii[bound], colour)
    canvas.legend({"DDR is its roof": COLOURS[1], "compute is": COLOURS[0]})
    return plain(canvas.image)
