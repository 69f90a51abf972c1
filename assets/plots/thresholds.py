"""Where calibration cuts each tensor: its threshold over the histogram of its magnitudes."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from assets.plots.canvas import COLOURS, canvas, label
from compiler.quantization import table
from compiler.stages.cali_table import EXPONENTS

ROWS = 64
"""Steps from zero to a tensor's greatest magnitude."""


def draw(inputs: Mapping[str, Path]) -> Figure:
    """From `cali_table` and its histograms: one column a tensor, magnitudes as a share of its greatest."""
    entries = table.read(inputs["cali_table"] / "cali_table")
    with np.load(inputs["cali_table"] / "histograms.npz") as held:
        exponents = dict(zip((name for name in held.files if name != EXPONENTS), held[EXPONENTS].tolist(), strict=True))
        greatest = {name: max(-entry.low, entry.high) for name, entry in entries.items()}
        shares = [density(held[name], 2.0 ** exponents[name], greatest[name]) for name in entries]
    cuts = [entry.threshold / greatest[name] if greatest[name] else 1.0 for name, entry in entries.items()]
    figure, axes = canvas()
    extent = (-0.5, len(entries) - 0.5, 0.0, 1.0)
    axes.imshow(
        np.stack(shares, 1), origin="lower", aspect="auto", extent=extent, cmap="Blues", interpolation="nearest"
    )
    axes.hlines(cuts, np.arange(len(cuts)) - 0.5, np.arange(len(cuts)) + 0.5, color=COLOURS[1], linewidth=1.2)
    axes.set_ylim(0.0, max(1.0, 1.02 * max(cuts)))
    below = sum(cut < 1 for cut in cuts)
    title = f"thresholds (red) over magnitudes: {below} of {len(cuts)} tensors are cut below their greatest value"
    label(axes, title, "tensor, in execution order", "|x| / greatest |x|")
    return figure


def density(counts: NDArray[np.uint32], span: float, greatest: float) -> NDArray[np.float64]:
    """Counts over [0, `span`) as ROWS steps of [0, `greatest`], on a log scale, the fullest 1."""
    sums = np.concatenate([[0.0], np.cumsum(counts, dtype=np.float64)])
    edges = np.linspace(0.0, span, len(sums))
    steps = np.diff(np.interp(np.linspace(0.0, greatest, ROWS + 1), edges, sums))
    levels = np.log1p(steps)
    return levels / levels.max() if levels.max() else levels
