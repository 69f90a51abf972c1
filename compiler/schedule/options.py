"""The ways to run one interval of ops as a group: what each is estimated to cost, and then its place in memory."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace

from xdsl.ir import Operation, SSAValue

from compiler.schedule.cost import cost, price
from compiler.schedule.cuts import ONE_TILE, derive, even
from compiler.schedule.flow import Flow, Sizes, flow
from compiler.schedule.plan import Plan, place
from compiler.schedule.program import Interval
from compiler.schedule.search import Choice, best, tiled
from compiler.schedule.sharing import shared
from compiler.schedule.single import smallest
from simulator.chip import Chip
from simulator.timing import DMA_LATENCY

LONGEST = {1: 4, 2: 24, 3: 48}
"""The most ops of a group that is cut into tiles, by effort. A group of one tile may have any number."""

SHARES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
"""Of local memory, that loads ahead of time may count on, tried in turn: addresses and banks leave gaps."""

NEAR = 1.05
"""A group that takes this many times the slower engine's time is good enough."""

CLOSE, EDGE = 1.15, 4 * DMA_LATENCY
"""A flow within this factor of the slower engine's time, and these cycles at its ends, isn't cut into tiles."""

SHARED_BANK = 2
"""A guess at the factor in time where operands share banks."""


@dataclass(frozen=True)
class Option:
    """
    A way to run a group: cut along a grid, as a flow in one tile, or (None) in whatever tiles fit.

    It takes `cycles`; options are compared by their `price`.

    `plan` is absent until the group is settled in memory; for a free op it is the op, which stays outside of groups.
    """

    group: Interval
    cycles: float
    price: float
    way: Choice | Flow | None = None
    plan: Plan | Operation | None = None


class Options:
    """
    Finds and settles options; what is found for a group serves those like it.

    `share` of local memory is what flows counted on that fitted; the estimates of others follow it.
    """

    def __init__(self, chip: Chip, effort: int) -> None:
        self.chip = chip
        self.longest = LONGEST[effort]
        self.sizes = Sizes(chip)
        self.choices = dict[Hashable, Choice | None]()
        self.share = SHARES[0]

    def of(self, group: Interval) -> Option | None:
        """The quickest by estimate, or None where nothing fits; for a single op there is always one or DoesNotFit."""
        return min(self._all(group), key=lambda option: option.price, default=None)

    def settled(self, option: Option) -> Option | None:
        """The option with its plan and the time that takes, or what is better or fits instead."""
        placed = self._place(option)
        if placed and placed.cycles <= NEAR * option.cycles:
            return placed
        cut = self._cut(option.group) if isinstance(option.way, Flow) else None
        others = [placed, self._place(cut) if cut else None]
        found = [other for other in others if other]
        if not found and len(option.group.nodes) == 1:
            return self._last_resort(option.group)
        return min(found, key=lambda other: other.price, default=None)

    def good_enough(self, option: Option) -> bool:
        """Whether the slower engine alone would hardly take less."""
        return option.cycles <= NEAR * self.sizes.floor(option.group.nodes, option.group.stored)

    def _hardly_better_cut(self, one: Option) -> bool:
        """Whether a cut could overlap little more than the flow does already."""
        return one.cycles <= CLOSE * self.sizes.floor(one.group.nodes, one.group.stored) + EDGE

    def flow(self, group: Interval) -> Option | None:
        """The group in a single tile."""
        if len(group.nodes) == 1 and group.nodes[0].free:
            return None
        found = flow(group.nodes, group.stored, self.sizes, int(self.share * self.chip.lane_bytes))
        return Option(group, found.cycles, price(found.cycles, found.moves), found) if found else None

    def _all(self, group: Interval) -> Iterator[Option]:
        first = group.nodes[0]
        if len(group.nodes) == 1 and first.free:
            yield Option(group, 0.0, 0.0, plan=first.op)
            return
        one, cut = self.flow(group), None
        if one:
            yield one
        if not (one and self._hardly_better_cut(one)) and (cut := self._cut(group)):
            yield cut
        if not (one or cut) and len(group.nodes) == 1:
            yield self._last_resort(group)

    def _cut(self, group: Interval) -> Option | None:
        if len(group.nodes) > self.longest:
            return None
        key = likeness(group)
        if key not in self.choices:
            self.choices[key] = best(group, self.chip)
        choice = self.choices[key]
        return Option(group, choice.cycles, choice.price, choice) if choice else None

    def _last_resort(self, group: Interval) -> Option:
        plan = smallest(group.nodes[0], self.chip)
        estimate = cost(group.nodes, tiled(group, plan.grid, self.chip), self.chip)
        time = SHARED_BANK * estimate.cycles(1, overlapped=False)
        return Option(group, time, price(time, estimate.moves), plan=plan)

    def _place(self, option: Option) -> Option | None:
        group, way = option.group, option.way
        if isinstance(way, Flow):
            return self._place_flow(group)
        if isinstance(way, Choice):
            grid = shared(way.grid, way.split, self.chip.cores)
            plan = place(group.nodes, tiled(group, grid, self.chip), self.chip, way.doubled)
            return replace(option, plan=plan) if plan else None
        return option

    def _place_flow(self, group: Interval) -> Option | None:
        """The flow that runs as far ahead as addresses in banks apart allow."""
        extents = {node.output: node.extents for node in group.nodes}
        stores = {value: even(extents[value], ONE_TILE, self.chip.lanes) for value in group.stored}
        for share in (share for share in SHARES if share <= self.share):
            found = flow(group.nodes, group.stored, self.sizes, int(share * self.chip.lane_bytes))
            if found is None:
                return None
            tiling = derive(group.nodes, stores, ONE_TILE, parts=found.parts)
            if plan := place(group.nodes, tiling, self.chip, False, found.starts, apart=True):
                self.share = share
                return Option(group, found.cycles, price(found.cycles, found.moves), found, plan)
        return None


def likeness(group: Interval) -> Hashable:
    """Equal for groups whose best cut is the same: like ops, linked alike, with like results stored."""
    numbers = dict[SSAValue, int]()
    return tuple(
        (
            node.op.name,
            node.extents,
            node.itemsize,
            node.reduction,
            node.temporaries,
            node.order,
            node.work(*node.extents, node.reduction),
            tuple(
                (numbers.setdefault(o.value, len(numbers)), o.extents, o.itemsize, o.access, o.everywhere)
                for o in node.operands
            ),
            numbers.setdefault(node.output, len(numbers)),
            node.output in group.stored,
        )
        for node in group.nodes
    )
