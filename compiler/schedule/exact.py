"""Whether tensors with lifetimes fit under a capacity: the canonical search in several orders, in turn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain

import numpy as np

from compiler.schedule.canonical import FOUND, NONE, ORDERS, search
from compiler.schedule.lifetimes import Lifetime, overlapping
from compiler.schedule.partial import Array, Problem

FIRST_NODES = 1000
"""Each order gets so many nodes in the first round, and twice as many in every further one."""


class Exact:
    """The question for a list of lifetimes, asked with one capacity after the other."""

    def __init__(self, lifetimes: Sequence[Lifetime]) -> None:
        self._count = len(lifetimes)
        self._there = [i for i, t in enumerate(lifetimes) if t.size and t.start < t.stop]
        self._problem = _problem([lifetimes[i] for i in self._there])

    def fitting(self, capacity: int, nodes: int) -> tuple[list[int] | None, bool]:
        """Offsets under `capacity` if `nodes` nodes find some; else None, and whether it is proved that there are none."""
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

    def _all(self, found: Array) -> list[int]:
        """Offsets of all: what takes no room lies at 0."""
        offsets = [0] * self._count
        for i, offset in zip(self._there, found.tolist(), strict=True):
            offsets[i] = offset
        return offsets


def _problem(lifetimes: Sequence[Lifetime]) -> Problem:
    """Sections lie between the steps at which something begins or ends."""
    steps = sorted({step for t in lifetimes for step in (t.start, t.stop)})
    section, near = {step: i for i, step in enumerate(steps)}, overlapping(lifetimes)
    lengths = list(accumulate((len(others) for others in near), initial=0))
    return Problem(
        start=np.array([section[t.start] for t in lifetimes], np.int64),
        stop=np.array([section[t.stop] for t in lifetimes], np.int64),
        size=np.array([t.size for t in lifetimes], np.int64),
        width=np.array([t.stop - t.start for t in lifetimes], np.int64),
        first=np.array(lengths, np.int64),
        near=np.array(list(chain.from_iterable(near)), np.int64),
        unit=np.ones(lengths[-1], np.int64),
        tied=np.ones(len(lifetimes), np.int64),
    )
