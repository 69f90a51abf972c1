"""
Buffers moved to where what they hold can be loaded in time.

A group's addresses are chosen for it alone, so its first loads mostly meet what the group before still uses. Here each
buffer of a stretch, one after the other, is taken up and put down where it does least harm, all others staying: the
cycles by which what was there before makes it late, those by which it makes late what comes after, and those of bank
conflicts. A load is late if it can't start when it must for everything after it to be in time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.codegen.buffers import Buffers
from compiler.codegen.hazards import Facts
from simulator.arithmetic.compiled import compiled
from simulator.chip import Chip
from simulator.timing import DMA_LATENCY

Numbers = NDArray[np.int64]

NEVER = 1 << 60
"""Later than any cycle of a run."""


@dataclass(frozen=True)
class Wishes:
    """Cycles from which on each buffer should be free for what comes into it, and at which it is free again."""

    start: Numbers
    free: Numbers


def wishes(found: Buffers, facts: Facts, cost: Numbers, begins: Numbers, lead: float, room: int) -> Wishes:
    """
    The wishes of buffers when the TIU's records and stores begin at `begins`, the last entry being the end.

    `cost` are the cycles of every record. Loads are taken to go out as late as they can, each before the next, `lead`
    times as early as they need to be, but not before `room` bytes a lane hold all that must be there then.
    """
    steady = ~facts.loads
    records, slots = np.nonzero(found.of >= 0)
    mine, loads = found.of[records, slots], facts.loads[records]
    start, spent = begins[found.first], np.zeros(len(found.addr), np.int64)
    np.add.at(spent, mine[loads], cost[records[loads]])
    stores = np.flatnonzero(facts.stores)
    made = begins[np.cumsum(steady)[stores] - 1]
    wanted = np.flatnonzero(found.loaded)
    due = np.concatenate([start[wanted] - DMA_LATENCY, made + DMA_LATENCY + 2 * cost[stores]])
    taken = np.concatenate([spent[wanted], cost[stores]])
    latest = np.empty(len(due), np.int64)
    earliest = np.concatenate([np.full(len(wanted), -NEVER), made])
    _backwards(np.argsort(due, kind="stable"), due, taken, earliest, latest)
    own = due[: len(wanted)]
    early = own - ((own - latest[: len(wanted)]) * lead).astype(np.int64)
    at = found.first.copy()
    goal = np.searchsorted(begins, early, side="right") - 1
    _room(found.first, found.last, found.size, wanted, goal, room, len(begins), at)
    start[wanted] = np.maximum(early, begins[at[wanted]])
    ends = begins[:-1] + np.where(facts.tiu, cost, 0)[steady]
    ends[facts.stores[steady]] += cost[stores] + DMA_LATENCY
    return Wishes(start, np.append(ends, begins[-1:])[found.last])


@compiled
def _backwards(order: Numbers, due: Numbers, taken: Numbers, earliest: Numbers, latest: Numbers) -> None:
    """When each move must start, the last first; one that can't start so early leaves the others in peace."""
    follows = NEVER
    for at in order[::-1]:
        latest[at] = min(due[at], follows) - taken[at]
        if latest[at] >= earliest[at]:
            follows = latest[at]


@compiled
def _room(
    first: Numbers, last: Numbers, size: Numbers, loads: Numbers, goal: Numbers, room: int, times: int, at: Numbers
) -> None:
    """The earliest time, not before its goal nor before that of the load before, at which each load's bytes fit."""
    used = np.zeros(times + 1, np.int64)
    for i in range(len(first)):
        for time in range(first[i], last[i] + 1):
            used[time] += size[i]
    earliest = 0
    for k in range(len(loads)):
        i = loads[k]
        while at[i] > max(goal[k], earliest) and used[at[i] - 1] + size[i] <= room:
            at[i] -= 1
            used[at[i]] += size[i]
        earliest = at[i]


def shared(found: Buffers, facts: Facts, work: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """
    The buffers that records of the TIU use together with each buffer, and for how many cycles.

    Those of buffer b are from the b-th entry of the first list to the next one.
    """
    used = found.of[facts.tiu]
    a, b = (np.repeat(used, used.shape[1], 1), np.tile(used, (1, used.shape[1])))
    there = (a >= 0) & (b >= 0) & (a != b)
    key = a[there] * (len(found.addr) + 1) + b[there]
    pairs, which = np.unique(key, return_inverse=True)
    cycles = np.zeros(len(pairs), np.int64)
    np.add.at(cycles, which, np.broadcast_to(work[facts.tiu][:, None], there.shape)[there])
    heads = np.searchsorted(pairs, np.arange(len(found.addr) + 1) * (len(found.addr) + 1))
    return heads, pairs % (len(found.addr) + 1), cycles


def place(
    found: Buffers,
    wanted: Wishes,
    together: tuple[Numbers, Numbers, Numbers],
    chip: Chip,
    order: Numbers,
    addr: Numbers,
) -> bool:
    """
    Take up and put down each buffer, in an order. Those at address -1 aren't there yet.

    `addr` is changed in place. False where one that wasn't there finds no room.
    """
    reach, latest = np.maximum.accumulate(wanted.free), np.maximum.accumulate(found.last)
    return _place(
        order, found.size, found.first, found.last, found.loaded, wanted.start, wanted.free, reach, latest, *together,
        chip.lane_bytes, chip.bank_bytes, addr,
    )  # fmt: skip


@compiled
def _place(
    order: Numbers,
    size: Numbers,
    first: Numbers,
    last: Numbers,
    loaded: NDArray[np.bool_],
    start: Numbers,
    free: Numbers,
    reach: Numbers,
    latest: Numbers,
    heads: Numbers,
    partners: Numbers,
    cycles: Numbers,
    room: int,
    bank: int,
    addr: Numbers,
) -> bool:
    count = len(size)
    near, charge, tried = np.empty(count, np.int64), np.zeros(count, np.int64), np.full(room + 1, -1)
    for turn in range(len(order)):
        i = int(order[turn])
        for e in range(heads[i], heads[i + 1]):
            charge[partners[e]] = 2 * cycles[e]
        # All others that may be in the way, now or for the loads that go out early.
        found = 0
        j = i - 1
        while j >= 0 and (reach[j] > start[i] or latest[j] >= first[i]):
            if addr[j] >= 0 and (free[j] > start[i] or last[j] >= first[i]):
                near[found] = j
                found += 1
            j -= 1
        for j in range(i + 1, count):
            if start[j] >= free[i] and first[j] > last[i]:
                break
            if addr[j] >= 0:
                near[found] = j
                found += 1
        best, where = NEVER, int(addr[i])
        if where >= 0:
            best = _harm(where, i, near, found, size, first, last, start, free, charge, bank, addr, NEVER)
        for k in range(4 * found + 4):
            if best == 0 and addr[i] >= 0:
                break
            low, high = (
                (0, room) if k < 4 else (addr[near[k // 4 - 1]], addr[near[k // 4 - 1]] + size[near[k // 4 - 1]])
            )
            if k % 4 == 0:
                at = high if k >= 4 else 0
            elif k % 4 == 1:
                at = (low if k >= 4 else room) - size[i]
            elif k % 4 == 2:
                at = -(-high // bank) * bank
            else:
                at = low // bank * bank - size[i]
            if at < 0 or at + size[i] > room or tried[at] == i:
                continue
            tried[at] = i
            harm = _harm(int(at), i, near, found, size, first, last, start, free, charge, bank, addr, best + 1)
            if harm < best or (harm == best and best < NEVER and (at > where) == loaded[i]):
                best, where = harm, at
        if where < 0:
            return False
        addr[i] = where
        for e in range(heads[i], heads[i + 1]):
            charge[partners[e]] = 0
    return True


@compiled
def _harm(
    at: int,
    i: int,
    near: Numbers,
    found: int,
    size: Numbers,
    first: Numbers,
    last: Numbers,
    start: Numbers,
    free: Numbers,
    charge: Numbers,
    bank: int,
    addr: Numbers,
    most: int,
) -> int:
    """Cycles that buffer `i` costs at an address; `most` or more if it can't lie there."""
    late = harm = 0
    stop = at + size[i]
    low, high = at // bank, (stop - 1) // bank
    for k in range(found):
        j = near[k]
        if addr[j] < stop and at < addr[j] + size[j]:
            if last[j] < first[i]:
                late = max(late, free[j] - start[i])
            elif first[j] > last[i]:
                harm += max(0, free[i] - start[j])
            else:
                return most
        if charge[j] > 0 and addr[j] // bank <= high and low <= (addr[j] + size[j] - 1) // bank:
            harm += charge[j]
        if late + harm >= most:
            return most
    return int(late + harm)
