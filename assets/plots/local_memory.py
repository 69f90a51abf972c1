"""Which bytes of a lane each buffer takes while its layer group runs."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from assets.plots import canvas
from assets.plots.canvas import COLOURS, FAINT, PIXEL, pixels, styled
from assets.plots.webp import lossless

KINDS: dict[str, str] = dict(zip(("loaded", "computed", "carried"), COLOURS, strict=False))


@styled()
def draw(inputs: Mapping[str, Path]) -> bytes:
    """From `local_memory.csv`: program order across, lane addresses up, groups divided by lines."""
    with (inputs["lg_mlir"] / "local_memory.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    held = np.array([[int(row[key]) for key in ("begin", "end", "address", "bytes", "group")] for row in rows])
    held = held.reshape(-1, 5)
    begin, end, address, size, group = held.T
    peak = int((address + size).max(initial=1))
    firsts = [int(begin[group == number].min()) for number in np.unique(group)]
    title = f"{len(firsts)} layer groups; local memory peak {peak:,} bytes a lane"
    axes = canvas.axes(title)
    axes.set(xlim=(0, int(end.max(initial=1))), xlabel="op, in program order")
    axes.set(ylim=(0, 1.05 * peak), ylabel="byte of a lane")
    axes.vlines(firsts[1:], 0, 1.05 * peak, FAINT, linewidth=PIXEL)
    kinds = np.array([row["kind"] for row in rows])
    for kind, colour in KINDS.items():
        at = kinds == kind
        canvas.boxes(axes, begin[at], end[at], address[at], (address + size)[at], colour)
    canvas.legend(axes, KINDS)
    return lossless(pixels(axes))
