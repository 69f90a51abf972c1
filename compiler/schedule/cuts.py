"""
The ranges of every value of a layer group, axis by axis, derived backward from what the group stores.

An axis of an operand follows at most one axis of the op's work, so the ranges on it depend on one group axis only and
`Cuts` say it all: no tile is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod

from xdsl.ir import SSAValue

from compiler.dialects.access import C, Follows, Frame, Whole
from compiler.dialects.tpu.slices import AXES, DRIVERS, OWN, Cuts, uncut
from compiler.schedule.nodes import Node, Operand
from compiler.schedule.tiling import clamped
from simulator.layout import up

Axes = tuple[Cuts, Cuts, Cuts, Cuts]
"""The cuts of a frame."""


@dataclass(frozen=True)
class Grid:
    """
    How many tiles there are along each group axis (n, c, h, w, k), and which axis runs fastest: the last letter.

    The chip's cores share out the tiles along `split`, each a stretch of them; if it is empty, one core does all.
    """

    secs: Mapping[str, int]
    order: str = DRIVERS
    split: str = ""

    @property
    def tiles(self) -> int:
        """Tiles in all."""
        return prod(self.secs.values())


ONE_TILE = Grid(dict.fromkeys(DRIVERS, 1))


@dataclass(frozen=True)
class LoadKey:
    """
    What is loaded once for all its users in a group: a value, and whether every lane gets a copy.

    An op that moves has a load for each operand (`slot`, else -1), since each lands at another place in its result
    (`into`).
    """

    value: SSAValue
    everywhere: bool = False
    slot: int = -1
    into: SSAValue | None = None

    def __hash__(self) -> int:
        return id(self.value) + self.slot


@dataclass(frozen=True)
class Parts:
    """An op run in parts along `axis` of its result; the operands at `slots` are loaded part by part."""

    axis: int
    cuts: Cuts
    slots: frozenset[int]

    def of(self, axes: Axes) -> Axes:
        """The op's cuts with `axis`, which the group leaves whole, in parts."""
        n, c, h, w = (self.cuts if axis == self.axis else cuts for axis, cuts in enumerate(axes))
        return n, c, h, w


@dataclass
class Tiling:
    """The cuts of a group: of each op's result and reduction, of what is loaded, and of what is stored."""

    grid: Grid
    results: dict[Node, Axes] = field(default_factory=dict[Node, Axes])
    steps: dict[Node, Cuts] = field(default_factory=dict[Node, Cuts])
    loads: dict[LoadKey, Axes] = field(default_factory=dict[LoadKey, Axes])
    stores: dict[SSAValue, Axes] = field(default_factory=dict[SSAValue, Axes])


def split(extent: int, count: int, unit: int = 1) -> tuple[range, ...]:
    """`count` ranges that cover `extent`, as even as multiples of `unit` allow; there must be so many units."""
    units = up(extent, unit)
    ends = [min(units * i // count * unit, extent) for i in range(count + 1)]
    return tuple(range(a, b) for a, b in pairwise(ends))


def even(extents: Frame, grid: Grid, lanes: int) -> Axes:
    """A tensor cut evenly along the grid, channels at multiples of `lanes`; an axis too short for it stays whole."""
    n, c, h, w = (
        Cuts(split(extent, grid.secs[axis], unit), axis) if 1 < grid.secs[axis] <= up(extent, unit) else uncut(extent)
        for axis, extent, unit in zip(AXES, extents, (1, lanes, 1, 1), strict=True)
    )
    return n, c, h, w


def derive(
    nodes: Sequence[Node],
    stores: Mapping[SSAValue, Axes],
    grid: Grid,
    steps: Cuts | None = None,
    parts: Mapping[Node, Parts] | None = None,
) -> Tiling:
    """
    The tiling that makes `stores`, the cuts of all that leaves the group.

    `steps` cuts the reduction of a one-op group, `parts` count where the group leaves their axis whole. A value read by
    several ops is made in the hull of what they read, and what none of them reads is made as well: every tensor of the
    network is whole, to be compared with others.
    """
    tiling = Tiling(grid, stores=dict(stores))
    wanted = dict(stores)
    made = {node.output for node in nodes}
    for node in reversed(nodes):
        axes = _covering(wanted[node.output], node.extents)
        apart = parts.get(node) if parts else None
        if apart and axes[apart.axis].driver:
            apart = None
        if apart:
            axes = apart.of(axes)
        tiling.results[node] = axes
        tiling.steps[node] = steps or uncut(node.reduction)
        work = (*axes, tiling.steps[node])
        for slot, operand in enumerate(node.operands):
            need = read(operand, work)
            if apart and slot not in apart.slots:
                need = joined(need)
            if operand.value in made or not node.moves:
                need = _in_whole_lanes(need, operand)
            if operand.value in made:
                have = wanted.get(operand.value)
                wanted[operand.value] = need if have is None else hull(have, need)
            else:
                key = load_key(node, operand, slot)
                have = tiling.loads.get(key)
                tiling.loads[key] = need if have is None else hull(have, need)
    return tiling


def made_anew(axes: Sequence[Cuts], grid: Grid) -> bool:
    """Whether each tile handles another box than the tile before, so that nothing need be kept for the next."""
    fastest = next((axis for axis in reversed(grid.order) if grid.secs[axis] > 1), "")
    return not fastest or any(
        cuts.driver == fastest
        and all(a != b for a, b in zip(cuts.ranges, cuts.ranges[1:] + cuts.ranges[:1], strict=True))
        for cuts in axes
    )


def joined(axes: Axes) -> Axes:
    """The cuts of a whole tile: an op's own parts together."""
    if parts_of(axes) == 1:
        return axes
    n, c, h, w = (Cuts((cuts.span,)) if cuts.driver == OWN else cuts for cuts in axes)
    return n, c, h, w


def parts_of(axes: Axes) -> int:
    """Into how many parts of its own an op, or a load for it, is cut."""
    return max((len(cuts.ranges) for cuts in axes if cuts.driver == OWN), default=1)


def load_key(node: Node, operand: Operand, slot: int) -> LoadKey:
    """The load that serves an operand from outside of the group; `slot` is its place among those that are there."""
    if node.moves:
        return LoadKey(operand.value, slot=slot, into=node.output)
    return LoadKey(operand.value, operand.everywhere)


def read(operand: Operand, work: tuple[Cuts, ...]) -> Axes:
    """The cuts of an operand that work of five cuts reads."""
    n, c, h, w = (
        uncut(extent) if isinstance(entry, Whole) else _follow(entry, extent, work[entry.axis])
        for entry, extent in zip(operand.access, operand.extents, strict=True)
    )
    return n, c, h, w


def hull(a: Axes, b: Axes) -> Axes:
    """Cuts that hold both; an axis that two group axes drive is held whole."""
    n, c, h, w = (_hull(x, y) for x, y in zip(a, b, strict=True))
    return n, c, h, w


def _follow(entry: Follows, extent: int, made: Cuts) -> Cuts:
    if entry == Follows(entry.axis) and made.ranges[-1].stop <= extent:
        return made
    return Cuts(tuple(_reach(entry, r, extent) for r in made.ranges), made.driver)


def _reach(entry: Follows, made: range, extent: int) -> range:
    """What a part of the work reads; nothing, at the place where it would, for a part that is empty."""
    if made:
        return clamped(entry.span(made), extent)
    start = clamped(entry.span(range(made.start, made.start + 1)), extent).start
    return range(start, start)


def _in_whole_lanes(axes: Axes, operand: Operand) -> Axes:
    """The cuts with channels drawn out to multiples of the operand's unit, so that the first is in the first lane."""
    n, c, h, w = axes
    unit, extent = operand.unit, operand.extents[C]
    if all(r.start % unit == 0 for r in c.ranges):
        return axes
    starts = [r.start // unit * unit for r in c.ranges]
    stops = [min(up(r.stop, unit) * unit, extent) if r else start for r, start in zip(c.ranges, starts, strict=True)]
    return n, Cuts(tuple(map(range, starts, stops)), c.driver), h, w


def _hull(a: Cuts, b: Cuts) -> Cuts:
    if a is b:
        return a
    if a.driver == b.driver:
        return Cuts(tuple(_join((x, y)) for x, y in zip(a.ranges, b.ranges, strict=True)), a.driver)
    return Cuts((_join((*a.ranges, *b.ranges)),))


def _covering(axes: Axes, extents: Frame) -> Axes:
    n, c, h, w = (_without_gaps(cuts, extent) for cuts, extent in zip(axes, extents, strict=True))
    return n, c, h, w


def _without_gaps(cuts: Cuts, extent: int) -> Cuts:
    """The cuts with each range drawn out to where the next begins, as the readers of a stride leave some out."""
    starts = (0, *(r.start for r in cuts.ranges[1:]), extent)
    if all(a.stop >= start for a, start in zip(cuts.ranges, starts[1:], strict=True)) and cuts.ranges[0].start == 0:
        return cuts
    drawn = (range(a, max(r.stop, b)) for r, (a, b) in zip(cuts.ranges, pairwise(starts), strict=True))
    return Cuts(tuple(drawn), cuts.driver)


def _join(ranges: Sequence[range]) -> range:
    full = [r for r in ranges if r] or ranges[:1]
    return range(min(r.start for r in full), max(r.stop for r in full))
