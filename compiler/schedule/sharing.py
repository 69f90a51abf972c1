"""Groups shared out among cores: along which axes, on which grid, and what of it one core has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from compiler.dialects.tpu.slices import Cuts
from compiler.schedule.cuts import Axes, Grid, Tiling

PIXELS = "nhw"
"""Axes along which a result's pixels can be shared out; the first that is long enough is tried."""


def axes(limit: Mapping[str, int], cores: int) -> Iterator[str]:
    """
    The axes along which a group of so many tiles at most could be shared out.

    Pixels leave the weights to be loaded by every core, channels the operands; a sum stays on one core.
    """
    yield from [axis for axis in PIXELS if limit[axis] >= cores > 1][:1]
    if limit["c"] >= cores > 1:
        yield "c"


def shared(grid: Grid, split: str, cores: int) -> Grid:
    """The grid of a group of which every core has `grid`, along `split`; the same if that is empty."""
    return replace(grid, secs={**grid.secs, split: grid.secs[split] * cores}, split=split) if split else grid


def share(tiling: Tiling, cores: int) -> Tiling:
    """What each of the cores has of a tiling: in every turn the longest ranges that one of them handles."""
    split = tiling.grid.split
    if not split:
        return tiling
    count = tiling.grid.secs[split]
    stretches = [range(count * core // cores, count * (core + 1) // cores) for core in range(cores)]
    turns = [[stretch[i] for stretch in stretches if i < len(stretch)] for i in range(max(map(len, stretches)))]

    def part(cuts: Cuts) -> Cuts:
        if cuts.driver != split:
            return cuts
        longest = (max((cuts.ranges[i] for i in turn), key=len) for turn in turns)
        return Cuts(tuple(longest), split if len(turns) > 1 else "")

    def parts(whole: Axes) -> Axes:
        n, c, h, w = map(part, whole)
        return n, c, h, w

    return Tiling(
        Grid({**tiling.grid.secs, split: len(turns)}, tiling.grid.order),
        {node: parts(whole) for node, whole in tiling.results.items()},
        tiling.steps,
        {key: parts(whole) for key, whole in tiling.loads.items()},
        {value: parts(whole) for value, whole in tiling.stores.items()},
    )
