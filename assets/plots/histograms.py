"""What the tensors that are noisiest by themselves hold, and where each calibration method would cut them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from assets.plots import canvas
from assets.plots.canvas import COLOURS, FAINT, INK, PIXEL, WIDTH, pixels, styled
from assets.plots.similarity import tail
from assets.plots.webp import lossless

COLUMNS = 3
"""Histograms in a row."""

TALL, ABOVE, MARGIN, TOP, BOTTOM = 64, 16, 10, 28, 24
"""Pixels of a histogram, of the words above it, around it, above and below all."""

METHODS: Mapping[str, str] = {"max": INK, "kl": COLOURS[1], "percentile": COLOURS[2], "mse": COLOURS[3]}
"""The methods that are drawn; the page has all."""


@styled()
def draw(inputs: Mapping[str, Path]) -> bytes:
    """From `quant_report.json`: counts on a log scale, from the least value to the greatest."""
    told = json.loads((inputs["quant_report"] / "quant_report.json").read_text())
    rows = told["spreads"]
    height = TOP + BOTTOM + -(-len(rows) // COLUMNS) * (TALL + ABOVE + MARGIN)
    axes = canvas.axes("the tensors noisiest by themselves, and where methods cut them", height=height)
    axes.set_position((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, WIDTH), ylim=(height, 0))
    pitch = (WIDTH - MARGIN) / COLUMNS
    for i, row in enumerate(rows):
        x, y = MARGIN + i % COLUMNS * pitch, TOP + i // COLUMNS * (TALL + ABOVE + MARGIN) + ABOVE
        _one(axes, row, told["cuts"].get(row["tensor"], {}), x, y, pitch - MARGIN)
    canvas.legend(axes, METHODS)
    return lossless(pixels(axes))


def _one(axes: Axes, row: Mapping[str, Any], cuts: Mapping[str, Any], x: float, y: float, wide: float) -> None:
    counts = np.log1p(row["counts"])
    tops = counts / max(float(counts.max()), 1e-30) * (TALL - 4)
    edges = x + np.linspace(0, wide, len(counts) + 1)
    canvas.boxes(axes, edges[:-1], edges[1:], y + TALL - tops, y + TALL, COLOURS[0])
    axes.hlines(y + TALL, x, x + wide, FAINT, linewidth=PIXEL)
    span = (row["high"] - row["low"]) or 1.0
    for method, colour in METHODS.items():
        spots = [x + (end - row["low"]) / span * wide for end in cuts.get(method, ()) if end]
        axes.vlines(spots, y, y + TALL, colour, linewidth=2 * PIXEL)
    axes.text(x, y - 4, f"{tail(row['tensor'], 19)}  {row['local_db']:.1f} dB")
