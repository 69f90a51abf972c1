"""
When each record runs: two in-order engines that wait for each other's completions (docs/isa.md, Programs, Time).

A record starts when its engine is free and the record it waits for has completed. A TIU record completes when its
engine is free again, a GDMA record `DMA_LATENCY` later.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic.native import native
from simulator.chip import Chip
from simulator.isa.distinct import distinct
from simulator.isa.record import Records, decode
from simulator.isa.table import Engine
from simulator.order import order
from simulator.spans import bank_conflicts, local_spans
from simulator.timing import TIU_SETUP, Transfer, transfer, work

Cycles = NDArray[np.int64]

SHORT = 50_000
"""Records that plain Python goes through in as long as it takes to load machine code."""

_Whole = Cycles | list[int]


@dataclass(frozen=True)
class Track:
    """One engine's records in time: each runs from `start`, frees the engine at `free` and completes at `end`."""

    start: Cycles
    free: Cycles
    end: Cycles

    @cached_property
    def busy(self) -> int:
        """Cycles the engine is taken."""
        return int((self.free - self.start).sum())


@dataclass(frozen=True)
class Timeline:
    """A run in time; `payload` and `wire` are each GDMA record's bytes to or from global memory."""

    tiu: Track
    gdma: Track
    payload: Cycles
    wire: Cycles

    @property
    def cycles(self) -> int:
        """Cycles from the first record's start to the last completion."""
        return max((int(track.end[-1]) for track in (self.tiu, self.gdma) if len(track.end)), default=0)

    def track(self, engine: Engine) -> Track:
        """The track of an engine."""
        return self.tiu if engine == Engine.TIU else self.gdma


def run(tiu: Records, gdma: Records, chip: Chip) -> Timeline:
    """Both streams in time. Raises Deadlock."""
    moves = dma_costs(gdma, chip)
    times = starts(tiu_costs(tiu, chip), moves[:, 0], moves[:, 1], tiu["wait"], gdma["wait"], once=True)
    return Timeline(*times, moves[:, 2], moves[:, 3])


def tiu_costs(records: Records, chip: Chip) -> Cycles:
    """Cycles of each TIU record: work is that of its kind, bank conflicts follow from its addresses."""
    return (TIU_SETUP + tiu_work(records, chip)) * (1 + bank_conflicts(local_spans(records, chip), chip))


def tiu_work(records: Records, chip: Chip) -> Cycles:
    """Cycles of each TIU record's work alone."""
    kinds, kind = distinct(records, addresses=False)
    return np.array([work(decode(record), chip) for record in kinds], np.int64)[kind]


def dma_costs(records: Records, chip: Chip) -> Cycles:
    """Each GDMA record's (occupancy, latency, payload, wire), as a row."""
    kinds, kind = distinct(records, addresses=False)
    return np.array([_row(transfer(decode(record), chip)) for record in kinds], np.int64).reshape(-1, 4)[kind]


def _row(cost: Transfer) -> tuple[int, int, int, int]:
    return cost.occupancy, cost.latency, cost.payload, cost.wire


def starts(
    tiu: Cycles, occupied: Cycles, latency: Cycles, tiu_wait: Cycles, gdma_wait: Cycles, *, once: bool = False
) -> tuple[Track, Track]:
    """
    When each record runs, from what each costs and waits for. Raises Deadlock.

    `once` is for who asks no more than that: a program that isn't long is over before the machine code is loaded.
    """
    costs = (tiu, occupied, latency, tiu_wait.astype(np.int64), gdma_wait.astype(np.int64))
    if once and len(tiu) + len(occupied) <= SHORT:
        made = [0] * len(tiu), [0] * len(occupied)
        computing, moving, after, tiu_waits, gdma_waits = (cost.tolist() for cost in costs)
        done = _fill(computing, moving, after, tiu_waits, gdma_waits, *made)
        computes, moves = (np.array(cycles, np.int64) for cycles in made)
    else:
        computes, moves = np.empty(len(tiu), np.int64), np.empty(len(occupied), np.int64)
        done = _run(*costs, computes, moves)
    if not done:
        order(tiu_wait.tolist(), gdma_wait.tolist())
    free = moves + occupied
    return Track(computes, computes + tiu, computes + tiu), Track(moves, free, free + latency)


def _fill(
    tiu: _Whole, occupied: _Whole, latency: _Whole, tiu_wait: _Whole, gdma_wait: _Whole, computes: _Whole, moves: _Whole
) -> bool:
    """Fill in the starts; False where both engines wait for what comes later."""
    t = g = 0
    tiu_free = gdma_free = 0
    while t < len(tiu) or g < len(occupied):
        before = t + g
        while t < len(tiu) and tiu_wait[t] <= g:
            at = tiu_wait[t] - 1
            if at >= 0:
                tiu_free = max(tiu_free, moves[at] + occupied[at] + latency[at])
            computes[t] = tiu_free
            tiu_free += tiu[t]
            t += 1
        while g < len(occupied) and gdma_wait[g] <= t:
            at = gdma_wait[g] - 1
            if at >= 0:
                gdma_free = max(gdma_free, computes[at] + tiu[at])
            moves[g] = gdma_free
            gdma_free += occupied[g]
            g += 1
        if t + g == before:
            return False
    return True


_run = native(_fill)
