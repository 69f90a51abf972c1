"""Signal to noise of each tensor of an 8-bit network: its op alone, and with all that came before."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from assets.plots import canvas
from assets.plots.canvas import COLOURS, INK, PIXEL, pixels, styled
from assets.plots.similarity import tail
from assets.plots.webp import lossless

MOST = 80.0
"""Signal to noise, in dB, above which nothing is told apart: no 8-bit tensor gets there."""


@styled()
def draw(inputs: Mapping[str, Path]) -> bytes:
    """From `quant_report.json`: the two lines over the tensors, and the first bad one where there is one."""
    told = json.loads((inputs["quant_report"] / "quant_report.json").read_text())
    rows, blame = told["layers"], told["blame"]
    first = blame["first"] if blame else None
    found = f"first bad: {tail(first)}" if first else "no bad layer"
    axes = canvas.axes(f"{len(rows)} tensors, the result {told['output_sqnr_db']:.1f} dB; {found}")
    local, total = (np.minimum([row[key] for row in rows], MOST) for key in ("local_db", "total_db"))
    low = min(0.0, float(total.min(initial=0.0)))
    axes.set(xlim=(-0.5, len(rows) - 0.5), xlabel="tensor, in execution order")
    axes.set(ylim=(low, 1.08 * float(max(local.max(initial=10.0), total.max(initial=10.0)))), ylabel="SQNR, dB")
    at = np.arange(len(rows))
    axes.plot(at, local, color=COLOURS[0], linewidth=2 * PIXEL)
    axes.plot(at, total, color=COLOURS[1], linewidth=2 * PIXEL)
    if first is not None:
        place = next(i for i, row in enumerate(rows) if row["tensor"] == first)
        axes.axvline(place, color=INK, linewidth=PIXEL, linestyle=(0, (4, 3)))
    canvas.legend(axes, {"op alone": COLOURS[0], "accumulated": COLOURS[1]})
    return lossless(pixels(axes))
