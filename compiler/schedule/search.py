"""The best way to run one interval of ops as a group: in one tile, or cut along a grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from compiler.dialects.tpu.slices import DRIVERS, Cuts
from compiler.schedule.cost import cost
from compiler.schedule.cuts import Grid, Tiling, derive, even, split
from compiler.schedule.demand import demand
from compiler.schedule.local_memory import fits_apart, peak
from compiler.schedule.nodes import Node
from compiler.schedule.program import Interval
from simulator.chip import Chip
from simulator.layout import up

LADDER = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256)
"""Numbers of tiles along an axis that are tried."""

FEW = (1, 2, 4, 8, 16, 32)
"""The same along the channels of several ops, where only the last of them can be cut there."""

PIPELINED = 8
"""Tiles after which more of them overlap the engines no better."""

C_SLOW, C_FAST = "nchwk", "nhwck"
"""Orders that load weights, or pixels, once."""


@dataclass(frozen=True)
class Choice:
    """A grid, moves double buffered or not, and the `cycles` the group is estimated to take so."""

    cycles: int
    grid: Grid
    doubled: bool


def limits(node: Node, chip: Chip) -> dict[str, int]:
    """Into how many tiles each axis of an op's work can be cut at most."""
    units = {axis: chip.lanes if i in node.laned else 1 for i, axis in enumerate(DRIVERS)}
    return {axis: up(n, units[axis]) for axis, n in zip(DRIVERS, (*node.extents, node.reduction), strict=True)}


def tiled(group: Interval, grid: Grid, chip: Chip) -> Tiling:
    """The group cut evenly along the grid; only a group of one op may be cut along its reduction."""
    first, steps = group.nodes[0], None
    if (count := grid.secs["k"]) > 1:
        steps = Cuts(split(first.reduction, count, chip.lanes if DRIVERS.index("k") in first.laned else 1), "k")
    extents = {node.output: node.extents for node in group.nodes}
    return derive(group.nodes, {v: even(extents[v], grid, chip.lanes) for v in group.stored}, grid, steps)


def best(group: Interval, chip: Chip) -> Choice | None:
    """
    The quickest cut of a group, or None where no cut keeps the operands of each record in banks of their own.

    For every number of tiles along the pixels (images, then rows, then columns), the fewest along the channels that
    fit with double buffers, and with single ones; along the reduction only where nothing fits without.
    """
    limit = _limits(group, chip)
    for k in (count for count in LADDER if count <= limit["k"]):
        found, needed = list[Choice](), 1.0
        for pixels in _pixel_cuts(limit):
            if _tiles(pixels) < needed:
                continue
            secs = {**pixels, "k": k}
            if (pressure := _pressure(group, {**secs, "c": limit["c"]}, chip)) > 1:
                needed = _tiles(pixels) * pressure
                continue
            single = _fewest_channels(group, secs, limit["c"], chip, doubled=False)
            double = _fewest_channels(group, secs, limit["c"], chip, doubled=True)
            for channels in sorted({single, double} - {0}):
                found += _choices(group, {**secs, "c": channels}, chip)
            if double == 1 and (len(group.nodes) > 1 or _tiles(pixels) >= PIPELINED):
                break
        if found:
            return min(found, key=lambda choice: choice.cycles)
    return None


def _limits(group: Interval, chip: Chip) -> dict[str, int]:
    """Into how many tiles a group can be cut at most: as far as one of its stored results; a reduction if alone."""
    each = [limits(node, chip) for node in group.nodes if node.output in group.stored]
    most = {axis: max(limit[axis] for limit in each) for axis in DRIVERS}
    return most if len(group.nodes) == 1 else {**most, "k": 1}


def _pixel_cuts(limit: dict[str, int]) -> Iterator[dict[str, int]]:
    """Cuts of images, then of rows, then of columns; ever finer."""
    done = {"n": 1, "h": 1, "w": 1}
    yield dict(done)
    for axis in done:
        for count in (*(rung for rung in LADDER if 1 < rung < limit[axis]), limit[axis]):
            if count > 1:
                yield {**done, axis: count}
        done[axis] = limit[axis]


def _tiles(secs: dict[str, int]) -> int:
    return secs["n"] * secs["h"] * secs["w"]


def _pressure(group: Interval, secs: dict[str, int], chip: Chip) -> float:
    """Bytes that shrink with more tiles over the room there is for them; infinite where the others fill it."""
    tiling = tiled(group, Grid(secs, C_FAST), chip)
    wanted = demand(group.nodes, tiling, chip, doubled=False)
    fixed = sum(
        wanted.buffers[numbers[0]].size
        for key, numbers in wanted.loads.items()
        if not any(cuts.driver for cuts in tiling.loads[key])
    )
    if fixed >= chip.lane_bytes:
        return inf
    return (peak(wanted.buffers) - fixed) / (chip.lane_bytes - fixed)


def _fewest_channels(group: Interval, secs: dict[str, int], limit: int, chip: Chip, doubled: bool) -> int:
    """The fewest tiles along the channels that fit; 0 if none does."""
    rungs = [*(rung for rung in (LADDER if len(group.nodes) == 1 else FEW) if rung < limit), limit]
    low, high = 0, len(rungs)
    while low < high:
        middle = (low + high) // 2 if low else 0
        tiling = tiled(group, Grid({**secs, "c": rungs[middle]}, C_FAST), chip)
        if fits_apart(demand(group.nodes, tiling, chip, doubled).buffers, chip):
            high = middle
        else:
            low = middle + 1
    return rungs[low] if low < len(rungs) else 0


def _choices(group: Interval, secs: dict[str, int], chip: Chip) -> Iterator[Choice]:
    """The orders and bufferings of a grid that fit."""
    orders = (C_FAST, C_SLOW) if secs["c"] > 1 and _tiles(secs) > 1 else (C_FAST,)
    for order in orders:
        tiling = tiled(group, Grid(secs, order), chip)
        doubled = fits_apart(demand(group.nodes, tiling, chip, doubled=True).buffers, chip)
        if doubled or fits_apart(demand(group.nodes, tiling, chip, doubled=False).buffers, chip):
            time = cost(group.nodes, tiling, chip).cycles(len(group.nodes), doubled and tiling.grid.tiles > 1)
            yield Choice(time, tiling.grid, doubled)
