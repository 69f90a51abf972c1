"""Where calibration cuts each tensor: its threshold over the histogram of its magnitudes."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assets.plots.canvas import COLOURS, Axis, Canvas, plain
from compiler.npz import read_npz
from compiler.quantization import table
from compiler.stages.cali_table import EXPONENTS

ROWS = 32
"""Steps from zero to a tensor's greatest magnitude."""


def draw(inputs: Mapping[str, Path]) -> bytes:
    """From `cali_table` and its histograms: one column a tensor, magnitudes as a share of its greatest."""
    entries = table.read(inputs["cali_table"] / "cali_table")
    held = read_npz(inputs["cali_table"] / "histograms.npz")
    exponents = dict(zip((name for name in held if name != EXPONENTS), held[EXPONENTS].tolist(), strict=True))
    greatest = {name: max(-entry.low, entry.high) for name, entry in entries.items()}
    shares = [density(held[name], 2.0 ** exponents[name], greatest[name]) for name in entries]
    cuts = np.array([entry.threshold / greatest[name] if greatest[name] else 1.0 for name, entry in entries.items()])
    below = int((cuts < 1).sum())
    canvas = Canvas(
        f"{below} of {len(cuts)} tensors are cut below their greatest value; the least keeps {100 * cuts.min():.0f} %",
        Axis(-0.5, len(cuts) - 0.5, "tensor, in execution order", whole=True),
        Axis(0.0, 1.0, "|x| / greatest |x|"),
    )
    canvas.heat(np.stack(shares, 1))
    at, shown = np.arange(len(cuts)), np.minimum(cuts, 1.0)
    canvas.boxes(at - 0.5, at + 0.5, shown - 0.01, shown + 0.01, COLOURS[1], parted=False)
    canvas.legend({"values (log scale)": COLOURS[0], "threshold": COLOURS[1]})
    return plain(canvas.image)


def density(counts: NDArray[np.uint32], span: float, greatest: float) -> NDArray[np.float64]:
    """Counts over [0, `span`) as ROWS steps of [0, `greatest`], on a log scale, the fullest 1."""
    sums = np.concatenate([[0.0], np.cumsum(counts, dtype=np.float64)])
    edges = np.linspace(0.0, span, len(sums))
    steps = np.diff(np.interp(np.linspace(0.0, greatest, ROWS + 1), edges, sums))
    levels = np.log1p(steps)
    return levels / levels.max() if levels.max() else levels
