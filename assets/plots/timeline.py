"""When each engine is busy, from the first record to the last, and what decides how long it takes."""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from assets.plots import canvas
from assets.plots.canvas import COLOURS, FAINT, PIXEL, SHADES, pixels, styled
from assets.plots.webp import lossless
from compiler.npz import read_npz

ENGINES = ("gdma", "tiu")
KINDS: Mapping[str, Sequence[str]] = {
    "array": ("array",),
    "DDR": ("read", "write", "lanes"),
    "other work": ("vector", "conflicts"),
    "set-up, latency": ("tiu_setup", "dma_setup", "latency"),
}
"""The resources that share a colour in the lane that says why."""

RESOLUTION = 560
"""Parts of the run: gaps shorter than one can't be seen and are closed, and what most of one goes to stands for it."""


@styled()
def draw(inputs: Mapping[str, Path]) -> bytes:
    """
    From `profile`'s `timeline.npz` and totals, which count the latency of the last move: a lane a core's engine.

    Below them, of the records that decide how long the run is (`simulator.critical`), what each cycle goes to, and the
    layer groups, in turn dark and light.
    """
    held = read_npz(inputs["profile"] / "timeline.npz")
    told = json.loads((inputs["profile"] / "profile.json").read_text())
    totals, names = told["totals"], list(told["resources"])
    total = totals["cycles"]
    shares = ", ".join(f"{engine.upper()} {100 * totals[f'{engine}_busy']:.0f} %" for engine in ENGINES)
    title = f"{total:,} cycles, {totals['cycles_over_bound']:.2f} × the bound; busy: {shares}"
    lanes = [engine + core for core in ("", "1") for engine in ENGINES if engine + core in held]
    axes = canvas.axes(title, height=66 + 40 * (len(lanes) + 2))
    axes.set(xlim=(0, total), xlabel="cycles", ylim=(-2.6, len(lanes) - 0.4))
    axes.set_yticks(range(-2, len(lanes)), ["group", "decides", *(name.upper() for name in lanes)])
    axes.grid(visible=False)
    for lane, name in enumerate(lanes):
        starts, ends, _ = held[name]
        _bars(axes, lane, merged(starts, ends, total // RESOLUTION), COLOURS[1 - lane % 2])
    starts, ends, _, resource, group = held["chain"]
    kind_of = np.array([next(i for i, kind in enumerate(KINDS.values()) if name in kind) for name in names])
    for kind, spans in shown(starts, ends, kind_of[resource], total).items():
        _bars(axes, -1, spans, COLOURS[kind])
    for number, spans in shown(starts, ends, group + 1, total).items():
        _bars(axes, -2, spans, SHADES[2 + number % 2] if number else FAINT)
    canvas.legend(axes, dict(zip(KINDS, COLOURS, strict=True)))
    return lossless(pixels(axes))


def _bars(axes: Axes, lane: int, spans: Sequence[tuple[float, float]], colour: str) -> None:
    widths = [(start, end - start) for start, end in spans]
    axes.broken_barh(widths, (lane - 0.38, 0.76), color=colour, linewidth=0 if lane < 0 else PIXEL)


def shown(
    starts: NDArray[np.int64], ends: NDArray[np.int64], kinds: NDArray[np.int64], total: int
) -> Mapping[int, Sequence[tuple[float, float]]]:
    """By kind, the parts of the run of which it takes the most; the spans are in time order, one after the other."""
    edges = np.linspace(0, total, RESOLUTION + 1)
    there = np.unique(kinds)
    taken = np.zeros((len(there), RESOLUTION))
    for row, kind in enumerate(there):
        at = kinds == kind
        times = np.stack([starts[at], ends[at]], 1).ravel()
        busy = np.concatenate([[0], np.cumsum(ends[at] - starts[at])])
        taken[row] = np.diff(np.interp(edges, times, np.stack([busy[:-1], busy[1:]], 1).ravel()))
    most = there[taken.argmax(0)]
    changes = [0, *(np.flatnonzero(np.diff(most)) + 1).tolist(), RESOLUTION]
    found: dict[int, list[tuple[float, float]]] = {}
    for first, stop in pairwise(changes):
        found.setdefault(int(most[first]), []).append((float(edges[first]), float(edges[stop])))
    return found


def merged(starts: NDArray[np.int64], ends: NDArray[np.int64], gap: int) -> list[tuple[int, int]]:
    """Spans in time order, those closer than `gap` put together."""
    spans: list[tuple[int, int]] = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if spans and start - spans[-1][1] <= gap:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, end))
    return spans
