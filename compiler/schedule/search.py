"""The best way to run one interval of ops as a group: in one tile, or cut along a grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf

from compiler.dialects.tpu.slices import DRIVERS, Cuts
from compiler.schedule import sharing
from compiler.schedule.cost import cost, price
from compiler.schedule.cuts import Grid, Tiling, derive, even, split
from compiler.schedule.demand import Demand, demand
from compiler.schedule.links import links_of
from compiler.schedule.local_memory import fits_apart, peak
from compiler.schedule.nodes import Node
from compiler.schedule.program import Interval
from simulator.chip import Chip
from simulator.layout import up

LADDER = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256)
"""Numbers of tiles along an axis that are tried."""

FEW = (1, 2, 4, 8, 16, 32)
"""The same along the channels of several ops, where only the last of them can be cut there."""

PATIENCE = 2
"""Numbers of tiles without a gain after which more aren't tried."""

Secs = dict[str, int]
"""Tiles along each group axis."""

C_SLOW, C_FAST = "nchwk", "nhwck"
"""Orders that load weights, or pixels, once."""


@dataclass(frozen=True)
class Choice:
    """
    A grid, moves double buffered or not, and the `cycles` the group is estimated to take so.

    `price` is what choices are compared by: the cycles, and a share of those that moves take. With `split`, cores share
    the group along that axis, and each has such a grid.
    """

    cycles: int
    price: float
    grid: Grid
    doubled: bool
    split: str = ""


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
    """The quickest cut of a group, shared out among cores or not; None if none is found."""
    ways = ("", *sharing.axes(_limits(group, chip), chip.cores))
    found = (choice for split in ways if (choice := _best(group, chip, split)))
    return min(found, key=lambda choice: choice.price, default=None)


def _best(group: Interval, chip: Chip, split: str) -> Choice | None:
    """
    The quickest cut of a group that is shared out so, or None where no cut keeps each record's operands in banks apart.

    For every number of tiles along the pixels (images, then rows, then columns), the fewest along the channels that
    fit with double buffers, and with single ones; along the reduction only where nothing fits without.
    """
    limit, trials = _limits(group, chip), _Trials(group, chip, split)
    if split:
        limit[split] //= chip.cores
    for k in (count for count in LADDER if count <= limit["k"]):
        found: Choice | None = None
        needed, idle = 1.0, 0
        for pixels in _pixel_cuts(limit):
            if _tiles(pixels) < needed:
                continue
            if not found and (pressure := trials.pressure({**pixels, "c": limit["c"], "k": k})) > 1:
                needed = _tiles(pixels) * pressure
                continue
            better = min(trials.offers({**pixels, "k": k}, limit["c"]), key=lambda choice: choice.price, default=None)
            if better and (found is None or better.price < found.price):
                found, idle = better, 0
            elif found:
                idle += 1
            if idle == PATIENCE:
                break
        if found:
            return found
    return None


class _Trials:
    """Cuts of one group tried; what came of each is kept."""

    def __init__(self, group: Interval, chip: Chip, split: str) -> None:
        self.group = group
        self.chip = chip
        self.split = split
        self.rungs = LADDER if len(group.nodes) == 1 else FEW
        self.links = links_of(group.nodes)
        self.tilings = dict[tuple[int, ...], Tiling]()
        self.fitting = dict[tuple[tuple[int, ...], str, bool], bool]()

    def tiling(self, secs: Secs, order: str) -> Tiling:
        """One core's cuts, which don't depend on the order."""
        key = tuple(secs[axis] for axis in DRIVERS)
        if key not in self.tilings:
            grid = sharing.shared(Grid(secs, order), self.split, self.chip.cores)
            self.tilings[key] = sharing.share(tiled(self.group, grid, self.chip), self.chip.cores)
        return replace(self.tilings[key], grid=Grid(secs, order))

    def demand(self, secs: Secs, order: str, doubled: bool) -> Demand:
        """The buffers needed."""
        return demand(self.group.nodes, self.tiling(secs, order), self.chip, doubled, links=self.links)

    def fits(self, secs: Secs, order: str, doubled: bool) -> bool:
        """Whether the buffers fit, those of each record in banks of their own."""
        key = tuple(secs[axis] for axis in DRIVERS), order, doubled
        if key not in self.fitting:
            self.fitting[key] = fits_apart(self.demand(secs, order, doubled).buffers, self.chip)
        return self.fitting[key]

    def pressure(self, secs: Secs) -> float:
        """Bytes that shrink with more tiles over the room there is for them; infinite where the others fill it."""
        wanted, loads = self.demand(secs, C_FAST, doubled=False), self.tiling(secs, C_FAST).loads
        most = peak(wanted.buffers)
        if _tiles(secs) == 1:
            return most / self.chip.lane_bytes
        fixed = sum(
            wanted.buffers[numbers[0]].size
            for key, numbers in wanted.loads.items()
            if not any(cuts.driver for cuts in loads[key])
        )
        room = self.chip.lane_bytes - fixed
        return (most - fixed) / room if room > 0 else inf

    def offers(self, secs: Secs, limit: int) -> Iterator[Choice]:
        """The fewest tiles along the channels that fit with double buffers, and with single ones."""
        double = self._fewest_channels(secs, limit, doubled=True)
        single = 1 if double == 1 else self._fewest_channels(secs, limit, doubled=False)
        for channels in {single, double} - {0}:
            yield from self._choices({**secs, "c": channels})

    def _fewest_channels(self, secs: Secs, limit: int, doubled: bool) -> int:
        """The fewest tiles along the channels that fit; 0 if none does."""
        rungs = [*(rung for rung in self.rungs if rung < limit), limit]
        low, high = 0, len(rungs)
        while low < high:
            middle = (low + high) // 2 if low else 0
            if self.fits({**secs, "c": rungs[middle]}, C_FAST, doubled):
                high = middle
            else:
                low = middle + 1
        return rungs[low] if low < len(rungs) else 0

    def _choices(self, secs: Secs) -> Iterator[Choice]:
        """The orders of a grid that fit, double buffered if that does."""
        orders = (C_FAST, C_SLOW) if secs["c"] > 1 and _tiles(secs) > 1 else (C_FAST,)
        for order in orders:
            doubled = self.fits(secs, order, True)
            if doubled or self.fits(secs, order, False):
                tiling = self.tiling(secs, order)
                spent = cost(self.group.nodes, tiling, self.chip, self.links)
                if self.split:
                    spent = spent.beside(self.chip.cores)
                time = spent.cycles(len(self.group.nodes), doubled and tiling.grid.tiles > 1)
                yield Choice(time, price(time, spent.moves), tiling.grid, doubled, self.split)


def _limits(group: Interval, chip: Chip) -> dict[str, int]:
    """Into how many tiles a group can be cut at most: as far as one of its stored results; a reduction if alone."""
    each = [limits(node, chip) for node in group.nodes if node.output in group.stored]
    most = {axis: max(limit[axis] for limit in each) for axis in DRIVERS}
    return most if len(group.nodes) == 1 else {**most, "k": 1}


def _pixel_cuts(limit: dict[str, int]) -> Iterator[Secs]:
    """Cuts of images, then of rows, then of columns; ever finer."""
    done = {"n": 1, "h": 1, "w": 1}
    yield dict(done)
    for axis in done:
        for count in (*(rung for rung in LADDER if 1 < rung < limit[axis]), limit[axis]):
            if count > 1:
                yield {**done, axis: count}
        done[axis] = limit[axis]


def _tiles(secs: Secs) -> int:
    return secs["n"] * secs["h"] * secs["w"]
