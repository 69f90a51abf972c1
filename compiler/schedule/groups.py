"""
Layer groups: the cheapest division of a run of ops into intervals.

Dynamic programming over the positions of the run: the best division of the first j ops ends in some interval [i, j).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue

from compiler.schedule.cost import cost
from compiler.schedule.cuts import ONE_TILE, derive, even
from compiler.schedule.flow import Flow, Sizes, flow
from compiler.schedule.nodes import Node
from compiler.schedule.plan import Plan, place
from compiler.schedule.program import Interval, interval
from compiler.schedule.search import Choice, best, tiled
from compiler.schedule.single import smallest
from simulator.chip import Chip

LONGEST = {1: 4, 2: 16, 3: 48}
"""The most ops of a group that is cut into tiles, by effort. A group of one tile may have any number."""

GIVE_UP = 3
"""After so many intervals to the same end that don't fit, longer ones aren't tried."""

NEAR = 1.05
"""A group that takes this many times the slower engine's time is good enough."""

SHARED_BANK = 2
"""A guess at the factor in time where operands share banks."""

ROOMS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
"""Shares of local memory that a flow may count on, tried in turn: addresses and banks leave gaps."""


@dataclass(frozen=True)
class Found:
    """A way to run an interval: cut along a grid, as a flow in one tile, or (None) in whatever tiles fit."""

    group: Interval
    cycles: float
    way: Choice | Flow | None


class Grouping:
    """The search for one run of ops; what is found out about an interval is kept."""

    def __init__(self, nodes: Sequence[Node], chip: Chip, effort: int) -> None:
        self.nodes = nodes
        self.chip = chip
        self.longest = LONGEST[effort]
        self.sizes = Sizes(chip)
        self.known = dict[tuple[int, int], Found | None]()
        self.choices = dict[Hashable, Choice | None]()

    def divide(self) -> list[Plan | Operation]:
        """The plans of the cheapest division; a Reshape by itself stays outside of groups. Raises DoesNotFit."""
        whole = self._flow(interval(self.nodes))
        if whole and self._near_the_floor(whole) and (plan := self._flow_plan(whole.group)):
            return [plan]
        while True:
            plans = list[Plan | Operation]()
            for i, j in self._ends():
                found = self.known[i, j]
                plan = self._plan(found) if found else None
                if plan is None:
                    self.known[i, j] = self._last_resort(found.group) if found else None
                    break
                plans.append(plan)
            else:
                return plans

    def _ends(self) -> list[tuple[int, int]]:
        """The intervals of the division that is cheapest by estimate."""
        best: list[tuple[float, int]] = [(0.0, 0)]
        for j in range(1, len(self.nodes) + 1):
            options, failed = list[tuple[float, int]](), 0
            for i in range(j - 1, -1, -1):
                found = self._found(i, j)
                failed = 0 if found else failed + 1
                if found:
                    options.append((best[i][0] + found.cycles, i))
                if failed > GIVE_UP:
                    break
            best.append(min(options))
        intervals, j = list[tuple[int, int]](), len(self.nodes)
        while j:
            intervals.append((best[j][1], j))
            j = best[j][1]
        return intervals[::-1]

    def _found(self, i: int, j: int) -> Found | None:
        if (i, j) not in self.known:
            group = interval(self.nodes[i:j])
            self.known[i, j] = self._best(group) if group else None
        return self.known[i, j]

    def _best(self, group: Interval) -> Found | None:
        if len(group.nodes) == 1 and group.nodes[0].view:
            return Found(group, 0.0, None)
        ways = list[Found]()
        if one := self._flow(group):
            ways.append(one)
            if self._near_the_floor(one):
                return one
        if len(group.nodes) <= self.longest and (cut := self._cut(group)):
            ways.append(Found(group, cut.cycles, cut))
        return min(ways, key=lambda found: found.cycles) if ways else self._last_resort(group)

    def _flow(self, group: Interval | None) -> Found | None:
        if group is None or group.nodes[0].moves:
            return None
        found = flow(group.nodes, group.stored, self.sizes, self.chip.lane_bytes)
        return Found(group, found.cycles, found) if found else None

    def _near_the_floor(self, found: Found) -> bool:
        """Whether neither engine alone is much quicker than both are together: no cut is worth looking for."""
        return found.cycles <= NEAR * self.sizes.floor(found.group.nodes, found.group.stored)

    def _last_resort(self, group: Interval) -> Found | None:
        """A single op in whatever tiles fit, banks shared; None for several. Raises DoesNotFit."""
        if len(group.nodes) > 1:
            return None
        grid = smallest(group.nodes[0], self.chip).grid
        estimate = cost(group.nodes, tiled(group, grid, self.chip), self.chip)
        return Found(group, SHARED_BANK * estimate.cycles(1, overlapped=False), None)

    def _cut(self, group: Interval) -> Choice | None:
        key = _likeness(group)
        if key not in self.choices:
            self.choices[key] = best(group, self.chip)
        return self.choices[key]

    def _plan(self, found: Found) -> Plan | Operation | None:
        """The group placed in local memory, or None where that fails."""
        nodes = found.group.nodes
        match found.way:
            case Choice(grid=grid, doubled=doubled):
                return place(nodes, tiled(found.group, grid, self.chip), self.chip, doubled)
            case Flow():
                return self._flow_plan(found.group)
            case None:
                return nodes[0].op if nodes[0].view else smallest(nodes[0], self.chip)

    def _flow_plan(self, group: Interval) -> Plan | None:
        extents = {node.output: node.extents for node in group.nodes}
        stores = {value: even(extents[value], ONE_TILE, self.chip.lanes) for value in group.stored}
        tiling = derive(group.nodes, stores, ONE_TILE)
        for share in ROOMS:
            found = flow(group.nodes, group.stored, self.sizes, int(share * self.chip.lane_bytes))
            if found is None:
                return None
            if plan := place(group.nodes, tiling, self.chip, False, found.starts, apart=True):
                return plan
        return None


def _likeness(group: Interval) -> Hashable:
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
