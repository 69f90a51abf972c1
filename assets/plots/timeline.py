"""When each engine is busy, from the first record to the last."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from assets.plots.canvas import COLOURS, canvas, label

ENGINES = ("gdma", "tiu")
RESOLUTION = 1000
"""Gaps shorter than this part of the run can't be seen and are closed."""


def draw(inputs: Mapping[str, Path]) -> Figure:
    """From `profile`'s `timeline.npz` and totals, which count the latency of the last move: one lane an engine."""
    with np.load(inputs["profile"] / "timeline.npz") as held:
        tracks = {engine: held[engine] for engine in ENGINES}
    total = json.loads((inputs["profile"] / "profile.json").read_text())["totals"]["cycles"]
    figure, axes = canvas(height=1.6)
    for lane, track in enumerate(tracks.values()):
        spans = merged(track[0], track[1], total // RESOLUTION)
        axes.broken_barh([(a, b - a) for a, b in spans], (lane - 0.35, 0.7), color=COLOURS[lane], linewidth=0)
    shares = [f"{engine} {100 * float((t[1] - t[0]).sum()) / total:.0f} %" for engine, t in tracks.items()]
    axes.set_yticks(range(len(ENGINES)), [engine.upper() for engine in ENGINES])
    axes.set_xlim(0, total)
    label(axes, f"engines over {total:,} cycles: busy {', '.join(shares)}", "cycles", "")
    return figure


def merged(starts: NDArray[np.int64], ends: NDArray[np.int64], gap: int) -> list[tuple[int, int]]:
    """Spans in time order, those closer than `gap` put together."""
    spans: list[tuple[int, int]] = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if spans and start - spans[-1][1] <= gap:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, end))
    return spans
