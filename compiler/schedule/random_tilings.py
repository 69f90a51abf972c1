"""
Legal divisions drawn at random: any group breaks, uneven cuts of any axis, any order, single or double buffers.

No tiling may change a bit of any result; a network divided so for some seeds is the proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random

from xdsl.ir import Operation

from compiler.dialects.tpu.slices import AXES, DRIVERS, OWN, Cuts, uncut
from compiler.schedule.cuts import ONE_TILE, Axes, Grid, LoadKey, Parts, derive, load_key, parts_of
from compiler.schedule.demand import turns_of
from compiler.schedule.nodes import Node
from compiler.schedule.plan import Plan, place
from compiler.schedule.program import Interval, along, interval, partable
from compiler.schedule.search import limits
from compiler.schedule.single import smallest
from simulator.chip import Chip
from simulator.layout import up

TRIES = 6
"""Draws for a group before it is made shorter; each later one allows more tiles."""

LONGEST = 6
"""The most ops of a group."""


def divide_at_random(nodes: Sequence[Node], chip: Chip, random: Random) -> list[Plan | Operation]:
    """A random division of a run. Raises DoesNotFit."""
    made, position = list[Plan | Operation](), 0
    while position < len(nodes):
        length = random.randint(1, min(LONGEST, len(nodes) - position))
        while True:
            plan = _group(nodes[position : position + length], chip, random)
            if plan is not None:
                break
            length -= 1
        made.append(plan)
        position += length
    return made


def _group(nodes: Sequence[Node], chip: Chip, random: Random) -> Plan | Operation | None:
    group = interval(nodes)
    if group is None:
        return None
    if len(nodes) == 1 and nodes[0].free:
        return nodes[0].op
    for attempt in range(TRIES):
        doubled = random.random() < 0.5
        plan = _flow(group, chip, random) if random.random() < 0.2 else _tiles(group, chip, random, attempt, doubled)
        if plan is not None:
            return plan
    return smallest(nodes[0], chip) if len(nodes) == 1 else None


def _flow(group: Interval, chip: Chip, random: Random) -> Plan | None:
    """One tile, each load anywhere before its first use."""
    stores = {node.output: _whole(node) for node in _stored(group)}
    tiling = derive(group.nodes, stores, ONE_TILE, parts=_parts(group, ONE_TILE, chip, random))
    first = dict[LoadKey, range]()
    for turns, node in zip(turns_of(group.nodes, tiling), group.nodes, strict=True):
        for slot, operand in enumerate(node.operands):
            first.setdefault(load_key(node, operand, slot), turns)
    starts = {
        key: [random.randint(0, turn) for turn in first[key][: parts_of(axes)]] for key, axes in tiling.loads.items()
    }
    return place(group.nodes, tiling, chip, doubled=False, starts=starts)


def _tiles(group: Interval, chip: Chip, random: Random, attempt: int, doubled: bool) -> Plan | None:
    """Up to `attempt` + 3 tiles along each of some axes."""
    first = group.nodes[0]
    limit = {axis: max(limits(node, chip)[axis] for node in _stored(group)) for axis in DRIVERS}
    if len(group.nodes) > 1:
        limit["k"] = 1
    secs = {axis: random.randint(1, min(limit[axis], attempt + 3)) if random.random() < 0.6 else 1 for axis in DRIVERS}
    axes = list(AXES)
    random.shuffle(axes)
    shared = [axis for axis in AXES if secs[axis] >= chip.cores > 1]
    grid = Grid(secs, "".join((*axes, "k")), random.choice(["", *shared]))
    stores = {node.output: _cut(node, secs, chip, random) for node in _stored(group)}
    unit = chip.lanes if DRIVERS.index("k") in first.laned else 1
    steps = Cuts(_uneven(first.reduction, secs["k"], unit, random), "k") if secs["k"] > 1 else None
    parts = _parts(group, grid, chip, random)
    return place(group.nodes, derive(group.nodes, stores, grid, steps, parts), chip, doubled)


def _parts(group: Interval, grid: Grid, chip: Chip, random: Random) -> dict[Node, Parts]:
    """Some ops in two to four uneven parts, where nothing else cuts what they are cut along."""
    if grid.secs["k"] > 1:
        return {}
    found = dict[Node, Parts]()
    for node in group.nodes:
        for axis in partable(node, group) if random.random() < 0.5 else ():
            unit = chip.lanes if axis in node.laned else 1
            most = min(up(node.extents[axis], unit), 4)
            if grid.secs[AXES[axis]] == 1 and most > 1:
                cuts = Cuts(_uneven(node.extents[axis], random.randint(2, most), unit, random), OWN)
                found[node] = Parts(axis, cuts, along(node, axis, group))
    return found


def _cut(node: Node, secs: dict[str, int], chip: Chip, random: Random) -> Axes:
    n, c, h, w = (
        Cuts(_uneven(extent, secs[axis], unit, random), axis) if 1 < secs[axis] <= up(extent, unit) else uncut(extent)
        for axis, extent, unit in zip(AXES, node.extents, (1, chip.lanes, 1, 1), strict=True)
    )
    return n, c, h, w


def _uneven(extent: int, count: int, unit: int, random: Random) -> tuple[range, ...]:
    """`count` ranges of random lengths that cover `extent`, cut at multiples of `unit`."""
    inner = sorted(random.sample(range(1, up(extent, unit)), count - 1))
    ends = [0, *(unit * i for i in inner), extent]
    return tuple(range(a, b) for a, b in pairwise(ends))


def _stored(group: Interval) -> list[Node]:
    return [node for node in group.nodes if node.output in group.stored]


def _whole(node: Node) -> Axes:
    n, c, h, w = map(uncut, node.extents)
    return n, c, h, w
