"""Whether buffers with lifetimes fit under a capacity: the canonical search in several orders, in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, chain

import numpy as np

from compiler.schedule.canonical import FOUND, LIMIT, NONE, ORDERS, search
from compiler.schedule.lifetimes import Lifetime, overlapping
from compiler.schedule.partial import Array, Problem

FIRST_NODES = 1000
"""Each order gets so many nodes in the first round, and twice as many in every further one."""


Unit = Callable[[int, int], int]
"""For two buffers by number 1, or the multiple to which the lower one's end is rounded up where the other may begin."""


def _close(one: int, other: int) -> int:
    return 1


class Exact:
    """The question for a list of lifetimes, asked with one capacity after the other."""

    def __init__(self, lifetimes: Sequence[Lifetime], unit: Unit = _close) -> None:
        self._count = len(lifetimes)
        self._there = [i for i, t in enumerate(lifetimes) if t.size and t.start < t.stop]
        self._problem = _problem([lifetimes[i] for i in self._there], lambda i, j: unit(self._there[i], self._there[j]))

    def fitting(self, capacity: int, nodes: int) -> tuple[list[int] | None, bool]:
        """Offsets under `capacity` if so many nodes find some; else None, and whether there certainly are none."""
        if not self._there:
            return (None, True) if capacity < 0 else ([0] * self._count, False)
        limit, left = FIRST_NODES, nodes
        while left > 0:
            for order in range(len(ORDERS)):
                outcome, visited, found = search(self._problem, capacity, order, min(limit, left))
                if outcome == FOUND:
                    return self._all(found), False
                if outcome == NONE:
                    return None, True
                left -= visited
            limit *= 2
        return None, False

    def quickly(self, capacity: int, nodes: int) -> list[int] | None:
        """Offsets under `capacity` if one of the orders finds some within so many `nodes`."""
        for order in range(len(ORDERS)) if self._there else ():
            outcome, _, found = search(self._problem, capacity, order, nodes)
            if outcome != LIMIT:
                return self._all(found) if outcome == FOUND else None
        return None

    def _all(self, found: Array) -> list[int]:
        """Offsets of all: what takes no room lies at 0."""
        offsets = [0] * self._count
        for i, offset in zip(self._there, found.tolist(), strict=True):
            offsets[i] = offset
        return offsets


def _problem(lifetimes: Sequence[Lifetime], unit: Unit) -> Problem:
    """Sections lie between the steps at which something begins or ends."""
    steps = sorted({step for t in lifetimes for step in (t.start, t.stop)})
    section, near = {step: i for i, step in enumerate(steps)}, overlapping(lifetimes)
    lengths = list(accumulate((len(others) for others in near), initial=0))
    units = [[unit(i, j) for j in others] for i, others in enumerate(near)]
    return Problem(
        start=np.array([section[t.start] for t in lifetimes], np.int64),
        stop=np.array([section[t.stop] for t in lifetimes], np.int64),
        size=np.array([t.size for t in lifetimes], np.int64),
        width=np.array([t.stop - t.start for t in lifetimes], np.int64),
        first=np.array(lengths, np.int64),
        near=np.array(list(chain.from_iterable(near)), np.int64),
        unit=np.array(list(chain.from_iterable(units)), np.int64),
        tied=np.array([max(apart, default=1) for apart in units], np.int64),
    )
