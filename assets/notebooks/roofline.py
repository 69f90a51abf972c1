"""How busy each layer group keeps the compute engine, and what memory would let it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from assets.plots.canvas import COLOURS, canvas, label
from simulator.chip import Chip


def draw(groups: Sequence[Mapping[str, Any]], chip: Chip) -> Figure:
    """
    A point a group, as large as its share of the cycles; the roof is what compute and memory allow at best.

    Across: cycles the compute engine works for each byte moved. Up: the share of the group's cycles in which it works.
    """
    compute, moved, cycles = (
        np.array([float(group[name]) for group in groups]) for name in ("compute", "bytes", "cycles")
    )
    worked = compute > 0
    intensity = compute[worked] / np.maximum(moved[worked], 1)
    busy = 100 * compute[worked] / np.maximum(cycles[worked], 1)
    knee = 1 / chip.ddr_bytes_per_cycle
    low, high = min(knee / 10, *intensity) / 2, max(knee * 10, *intensity) * 2
    figure, axes = canvas()
    across = np.geomspace(low, high, 200)
    axes.plot(across, 100 * np.minimum(1, across * chip.ddr_bytes_per_cycle), color="#888888", linewidth=1)
    axes.axvline(knee, color="#cccccc", linewidth=0.6, linestyle="--", zorder=0)
    axes.scatter(
        intensity, busy, s=12 + 160 * cycles[worked] / cycles.sum(), color=COLOURS[0], alpha=0.7, edgecolors="white"
    )
    axes.set_xscale("log")
    axes.set_ylim(0, 108)
    below = int((intensity < knee).sum())
    title = f"{below} of {len(intensity)} groups bound by memory (left of the dashed line) on {chip.name}"
    label(axes, title, "compute cycles a byte moved", "% of cycles computing")
    return figure
