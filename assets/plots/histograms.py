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
from compiler.quant_report.spread import Spread
from compiler.quantization import histogram

COLUMNS, MOST = 3, 6
"""Histograms in a row, and of all."""

PARTS = 64
TALL, ABOVE, MARGIN, TOP, BOTTOM = 64, 16, 10, 28, 24
"""Pixels of a histogram, of the words above it, around it, above and below all."""

METHODS: Mapping[str, str] = {"max": INK, "kl": COLOURS[1], "percentile": COLOURS[2], "mse": COLOURS[3]}


@styled()
def draw(inputs: Mapping[str, Path]) -> bytes:
    """From `quant_report.json` and `histograms.npz` of `cali_table`: counts on a log scale, signed."""
    told = json.loads((inputs["quant_report"] / "quant_report.json").read_text())
    held = histogram.load(inputs["cali_table"] / "histograms.npz")
    rows = [row for row in told["layers"] if row["stored"] and row["tensor"] in told["cuts"]]
    rows = sorted(rows, key=lambda row: row["local_db"])[:MOST]
    lines = -(-len(rows) // COLUMNS)
    height = TOP + BOTTOM + lines * (TALL + ABOVE + MARGIN)
    axes = canvas.axes("the tensors noisiest by themselves, and every method's threshold", height=height)
    axes.set_position((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, WIDTH), ylim=(height, 0))
    pitch = (WIDTH - MARGIN) / COLUMNS
    for i, row in enumerate(rows):
        x, y = MARGIN + i % COLUMNS * pitch, TOP + i // COLUMNS * (TALL + ABOVE + MARGIN) + ABOVE
        spread = Spread.of(held[row["tensor"]])
        if spread is not None:
            _one(axes, row, spread, told["cuts"][row["tensor"]], (x, y, pitch - MARGIN))
    canvas.legend(axes, METHODS)
    return lossless(pixels(axes))


def _one(
    axes: Axes, row: Mapping[str, Any], spread: Spread, cuts: Mapping[str, Any], place: tuple[float, float, float]
) -> None:
    x, y, wide = place
    low, high = min(spread.low, 0.0), max(spread.high, 0.0)
    high = high if high > low else low + 1.0
    counts = np.log1p(spread.steps(low, high, PARTS))
    tops = counts / max(float(counts.max()), 1e-30) * (TALL - 4)
    left = x + np.arange(PARTS) * wide / PARTS
    canvas.boxes(axes, left, left + wide / PARTS, y + TALL - tops, y + TALL, COLOURS[0])
    axes.hlines(y + TALL, x, x + wide, FAINT, linewidth=PIXEL)
    for method, cut in cuts.items():
        spots = [x + (end - low) / (high - low) * wide for end in cut if end]
        axes.vlines(spots, y, y + TALL, METHODS.get(method, INK), linewidth=2 * PIXEL)
    axes.text(x, y - 4, f"{tail(row["tensor"], 19)}  {row['local_db']:.1f} dB")
