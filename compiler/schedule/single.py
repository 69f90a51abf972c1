"""One op as a group of its own: the cut that fits local memory."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.dialects.tpu.slices import DRIVERS, Cuts
from compiler.schedule.cuts import ONE_TILE, Grid, Tiling, derive, even, split
from compiler.schedule.demand import demand
from compiler.schedule.local_memory import peak
from compiler.schedule.nodes import Node
from compiler.schedule.plan import Plan, place
from simulator.chip import Chip
from simulator.layout import up


class DoesNotFit(Exception):
    """Not even the smallest tile of an op fits a lane's memory."""


def tiled(node: Node, grid: Grid, chip: Chip) -> Tiling:
    """A one-op group cut evenly along the grid."""
    steps = None
    if (count := grid.secs["k"]) > 1:
        steps = Cuts(split(node.reduction, count, chip.lanes if 4 in node.laned else 1), "k")
    return derive([node], {node.output: even(node.extents, grid, chip.lanes)}, grid, steps)


def limits(node: Node, chip: Chip) -> dict[str, int]:
    """Into how many tiles each axis of an op's work can be cut at most."""
    extents = dict(zip(DRIVERS, (*node.extents, node.reduction), strict=True))
    units = {axis: chip.lanes if i in node.laned else 1 for i, axis in enumerate(DRIVERS)}
    return {axis: up(extents[axis], units[axis]) for axis in DRIVERS}


def smallest(node: Node, chip: Chip) -> Plan:
    """
    A plan of few tiles, found by cutting further, again and again, where that saves the most bytes.

    Raises DoesNotFit.
    """
    secs = dict(ONE_TILE.secs)
    while True:
        tiling = tiled(node, Grid(dict(secs)), chip)
        for doubled in (True, False):
            if (plan := place([node], tiling, chip, doubled)) is not None:
                return plan
        finer = list(_finer(node, secs, chip))
        if not finer:
            needed = _bytes(node, secs, chip)
            raise DoesNotFit(
                f"{node.name!r}: the smallest tile of {node.op.name} takes {needed} bytes a lane, chip {chip.name} "
                f"has {chip.lane_bytes}; choose a chip with more local memory, or make the op's kernel smaller"
            )
        secs = min(finer, key=lambda s: _bytes(node, s, chip))


def _finer(node: Node, secs: dict[str, int], chip: Chip) -> Iterator[dict[str, int]]:
    for axis, limit in limits(node, chip).items():
        if secs[axis] < limit:
            yield {**secs, axis: min(2 * secs[axis], limit)}


def _bytes(node: Node, secs: dict[str, int], chip: Chip) -> int:
    return peak(demand([node], tiled(node, Grid(secs), chip), chip, doubled=False).buffers)
