"""Where in global memory each activation lies, and for how long."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assets.plots import canvas
from assets.plots.canvas import COLOURS, INK, PIXEL, pixels, styled
from assets.plots.webp import lossless


@styled()
def draw(inputs: Mapping[str, Path]) -> bytes:
    """From `global_memory.csv`: steps of the program across, addresses of the activation region up."""
    with (inputs["addr_mlir"] / "global_memory.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    weights = sum(int(row["bytes"]) for row in rows if row["kind"] == "weight")
    kept = [row for row in rows if row["kind"] == "activation"]
    held = np.array([[int(row[key]) for key in ("begin", "end", "address", "bytes")] for row in kept]).reshape(-1, 4)
    begin, end, address, size = held.T
    steps = max([1, *(int(row["end"]) for row in rows)])
    live = [covered(held[(begin <= step) & (step < end)]) for step in range(steps)]
    peak = int((address + size).max(initial=0))
    title = f"{len(kept)} activations in DDR, peak {peak:,} bytes" if kept else "no activation is ever in DDR"
    axes = canvas.axes(f"{title}; weights {weights:,} bytes beside")
    axes.set(xlim=(0, steps), xlabel="step of the program: a layer group, or an op by itself")
    axes.set(ylim=(0, 1.05 * (peak or 1)), ylabel="byte of the activations")
    for shade in range(2):
        at = slice(shade, None, 2)
        canvas.boxes(axes, begin[at], end[at], address[at], (address + size)[at], COLOURS[3 * shade])
    axes.stairs(live, baseline=None, color=INK, linewidth=PIXEL)
    canvas.legend(axes, {"a tensor": COLOURS[0], "another": COLOURS[3], "bytes live": INK})
    return lossless(pixels(axes))


def covered(held: NDArray[np.int64]) -> int:
    """Bytes that rows (begin, end, address, bytes) lie on, each counted once: a view lies where its tensor does."""
    total = reached = 0
    for _, _, address, size in sorted(held.tolist(), key=lambda row: row[2]):
        total += max(0, address + size - max(address, reached))
        reached = max(reached, address + size)
    return total
