"""Where calibration cuts each tensor: its threshold over the histogram of its magnitudes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

from assets.plots import canvas
from assets.plots.canvas import COLOURS, PIXEL, SHADES, pixels, styled
from assets.plots.webp import lossless
from compiler.quantization import histogram, table

ROWS = 32
"""Steps from zero to a tensor's greatest magnitude."""


@styled()
def draw(inputs: Mapping[str, Path]) -> bytes:
    """From `cali_table` and its histograms: one column a tensor, magnitudes as a share of its greatest."""
    entries = table.read(inputs["cali_table"] / "cali_table")
    held = histogram.load(inputs["cali_table"] / "histograms.npz")
    greatest = {name: max(-entry.low, entry.high) for name, entry in entries.items()}
    shares = [density(held[name].magnitudes, held[name].edges[-1], greatest[name]) for name in entries]
    cuts = np.array([entry.threshold / greatest[name] if greatest[name] else 1.0 for name, entry in entries.items()])
    below = int((cuts < 1).sum())
    axes = canvas.axes(
        f"{below} of {len(cuts)} tensors are cut below their greatest value; the least keeps {100 * cuts.min():.0f} %"
    )
    across = (-0.5, len(cuts) - 0.5)
    axes.set(xlabel="tensor, in execution order", ylabel="|x| / greatest |x|")
    axes.imshow(
        np.stack(shares, 1), ListedColormap(SHADES), vmin=-0.125, vmax=1.125,
        extent=(*across, 0, 1), origin="lower", aspect="auto", interpolation="nearest",
    )  # fmt: skip
    axes.grid(visible=False)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.hlines(
        np.minimum(cuts, 1.0), np.arange(len(cuts)) - 0.5, np.arange(len(cuts)) + 0.5, COLOURS[1], linewidth=3 * PIXEL
    )
    canvas.legend(axes, {"values (log scale)": COLOURS[0], "threshold": COLOURS[1]})
    return lossless(pixels(axes))


def density(counts: NDArray[np.integer[Any]], span: float, greatest: float) -> NDArray[np.float64]:
    """Counts over [0, `span`) as ROWS steps of [0, `greatest`], on a log scale, the fullest 1."""
    sums = np.concatenate([[0.0], np.cumsum(counts, dtype=np.float64)])
    edges = np.linspace(0.0, span, len(sums))
    steps = np.diff(np.interp(np.linspace(0.0, greatest, ROWS + 1), edges, sums))
    levels = np.log1p(steps)
    return levels / levels.max() if levels.max() else levels
