"""
What each record knows to be complete of the other streams: by engine order, waits and messages, and nothing else.

The TIU touches local memory alone, so of another core only its GDMA matters, and only to a GDMA.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.cores import Message, Streams, Turn, messages, sends, turns
from simulator.isa.table import Engine
from simulator.order import Deadlock

Numbers = NDArray[np.int64]
"""Records by their numbers, from 1, or how many of them; 0 is none."""


@dataclass(frozen=True)
class Order:
    """
    How many records of other streams each knows to be complete when it runs; a later record of a stream knows no less.

    `near[core][engine][i]`: of the core's other engine; `far[core][i, c]`: its GDMA of core c's GDMA.
    """

    near: Sequence[tuple[Numbers, Numbers]]
    far: Sequence[Numbers]


def ordering(cores: Sequence[Streams]) -> Order:
    """The order of a program. Raises Deadlock for messages that can't come."""
    near = [(reached(core.tiu["wait"]), reached(core.gdma["wait"])) for core in cores]
    sent = [np.array(sends(core.gdma), np.int64) - 1 for core in cores]
    return Order(near, far(messages(cores), sent, [len(core.gdma) for core in cores]))


def reached(waits: NDArray[np.uint32]) -> Numbers:
    """Of a stream's waits, how many records of the other engine each record comes after."""
    return np.maximum.accumulate(waits.astype(np.int64)) if len(waits) else np.zeros(0, np.int64)


def far(told: Sequence[Mapping[int, Message]], sent: Sequence[Numbers], lengths: Sequence[int]) -> list[Numbers]:
    """
    What the GDMAs know of each other.

    Of each, `told` has what it waits for by index in its stream, `sent` the indices of its SENDs, `lengths` its
    records. Raises Deadlock.
    """
    cores = range(len(told))
    marks = [sorted({*told[core], *sent[core].tolist()}) for core in cores]
    known = [[np.zeros(len(cores), np.int64)] for _ in cores]
    passed_on: dict[tuple[int, int], Numbers] = {}
    while any(len(known[core]) <= len(marks[core]) for core in cores):
        before = len(passed_on), sum(map(len, known))
        for core in cores:
            for at in marks[core][len(known[core]) - 1 :]:
                mine = known[core][-1].copy()
                if (message := told[core].get(at)) is not None:
                    if message not in passed_on:
                        break
                    mine = np.maximum(mine, passed_on[message])
                else:
                    mine[core] = at + 1
                    passed_on[core, at + 1] = mine
                known[core].append(mine)
        if before == (len(passed_on), sum(map(len, known))):
            raise Deadlock("deadlock: cores wait for each other's messages")
    return [_spread(known[core], marks[core], lengths[core]) for core in cores]


def _spread(known: Sequence[Numbers], marks: Sequence[int], length: int) -> Numbers:
    """What is known from each mark on, for every record."""
    return np.repeat(known, np.diff([0, *marks, length]), 0)


def soonest(cores: Sequence[Streams], goal: Turn) -> list[Turn]:
    """All records in a legal order in which one runs as soon as it may: after what it must follow. Raises Deadlock."""
    told = messages(cores)
    behind = {(goal.core, goal.engine): goal.at}
    grown = True
    while grown:
        grown = False
        for (core, engine), at in list(behind.items()):
            needed = [((core, Engine(1 - engine)), int(cores[core].of(engine)["wait"][: at + 1].max()) - 1)]
            if engine == Engine.GDMA:
                met = (message for i, message in told[core].items() if i <= at)
                needed += [((message.core, Engine.GDMA), message.record - 1) for message in met]
            for stream, last in needed:
                if last > behind.get(stream, -1):
                    behind[stream], grown = last, True
    order = turns(cores)
    first = [turn for turn in order if turn.at <= behind.get((turn.core, turn.engine), -1)]
    return [*first, *(turn for turn in order if turn.at > behind.get((turn.core, turn.engine), -1))]
