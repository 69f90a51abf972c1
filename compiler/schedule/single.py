"""One op as a group of its own, in whatever tiles fit: the way out where no better cut is found."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.schedule.cuts import ONE_TILE, Grid
from compiler.schedule.demand import demand
from compiler.schedule.local_memory import peak
from compiler.schedule.nodes import Node
from compiler.schedule.plan import Plan, place
from compiler.schedule.program import Interval
from compiler.schedule.search import limits, tiled
from simulator.chip import Chip


class DoesNotFit(Exception):
    """Not even the smallest tile of an op fits a lane's memory."""


def smallest(node: Node, chip: Chip) -> Plan:
    """
    A plan of few tiles, found by cutting further, again and again, where that saves the most bytes.

    Raises DoesNotFit.
    """
    group = Interval((node,), (node.output,))
    secs = dict(ONE_TILE.secs)
    while True:
        tiling = tiled(group, Grid(dict(secs)), chip)
        for doubled in (True, False):
            if (plan := place([node], tiling, chip, doubled)) is not None:
                return plan
        finer = list(_finer(node, secs, chip))
        if not finer:
            raise DoesNotFit(
                f"{node.name!r}: the smallest tile of {node.op.name} takes {_bytes(group, secs, chip)} bytes a lane, "
                f"chip {chip.name} has {chip.lane_bytes}; choose a chip with more local memory, or a smaller kernel"
            )
        secs = min(finer, key=lambda s: _bytes(group, s, chip))


def _finer(node: Node, secs: dict[str, int], chip: Chip) -> Iterator[dict[str, int]]:
    for axis, limit in limits(node, chip).items():
        if secs[axis] < limit:
            yield {**secs, axis: min(2 * secs[axis], limit)}


def _bytes(group: Interval, secs: dict[str, int], chip: Chip) -> int:
    return peak(demand(group.nodes, tiled(group, Grid(secs), chip), chip, doubled=False).buffers)
