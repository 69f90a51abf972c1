"""When each engine is busy, from the first record to the last."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assets.plots import canvas
from assets.plots.canvas import COLOURS, PIXEL, pixels, styled
from assets.plots.webp import lossless
from compiler.npz import read_npz

ENGINES = ("gdma", "tiu")
RESOLUTION = 560
"""Gaps shorter than this part of the run can't be seen and are closed."""


@styled()
def draw(inputs: Mapping[str, Path]) -> bytes:
    """From `profile`'s `timeline.npz` and totals, which count the latency of the last move: a lane a core's engine."""
    held = read_npz(inputs["profile"] / "timeline.npz")
    totals = json.loads((inputs["profile"] / "profile.json").read_text())["totals"]
    total = totals["cycles"]
    shares = ", ".join(f"{engine.upper()} {100 * totals[f'{engine}_busy']:.0f} %" for engine in ENGINES)
    title = f"{total:,} cycles, {totals['cycles_over_bound']:.2f} × the bound; busy: {shares}"
    lanes = [engine + core for core in ("", "1") for engine in ENGINES if engine + core in held]
    axes = canvas.axes(title, height=70 * len(lanes))
    axes.set(xlim=(0, total), xlabel="cycles", ylim=(-0.6, len(lanes) - 0.4))
    axes.set_yticks(range(len(lanes)), [name.upper() for name in lanes])
    axes.grid(visible=False)
    for lane, name in enumerate(lanes):
        starts, ends, _ = held[name]
        widths = [(start, end - start) for start, end in merged(starts, ends, total // RESOLUTION)]
        axes.broken_barh(widths, (lane - 0.38, 0.76), color=COLOURS[lane % 2], linewidth=PIXEL)
    return lossless(pixels(axes))


def merged(starts: NDArray[np.int64], ends: NDArray[np.int64], gap: int) -> list[tuple[int, int]]:
    """Spans in time order, those closer than `gap` put together."""
    spans: list[tuple[int, int]] = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if spans and start - spans[-1][1] <= gap:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, end))
    return spans
