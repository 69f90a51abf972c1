"""
When each record runs: two in-order engines that wait for each other's completions (docs/isa.md, Programs, Time).

A record starts when its engine is free and the record it waits for has completed. A TIU record completes when its
engine is free again, a GDMA record `DMA_LATENCY` later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import shake_128

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic.native import native
from simulator.chip import Chip
from simulator.isa.record import RECORD, Records, decode
from simulator.isa.table import Engine
from simulator.spans import bank_conflicts, local_spans
from simulator.timing import TIU_SETUP, Transfer, transfer, work

Cycles = NDArray[np.int64]

_BYTES = np.dtype((np.void, RECORD.itemsize))
_ODD = np.frombuffer(shake_128(b"records").digest(RECORD.itemsize), np.uint64) | np.uint64(1)
"""Odd factors for a sum over a record's words: equal records have equal sums, others hardly ever."""


SHORT = 50_000
"""Records that plain Python goes through in as long as it takes to load machine code."""

_Whole = Cycles | list[int]


class Deadlock(ValueError):
    """
    Engines wait for records that come after those that wait; the message names them.

    `record` of `engine` of `core`, counted from 1, is the first of them.
    """

    def __init__(self, message: str, core: int = 0, engine: Engine = Engine.TIU, record: int = 0) -> None:
        super().__init__(message)
        self.core, self.engine, self.record = core, engine, record


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


def order(tiu_wait: Sequence[int], gdma_wait: Sequence[int]) -> list[tuple[Engine, int]]:
    """
    All records, each by engine and index from 0, in an order that keeps engine order and waits. Raises Deadlock.

    The TIU goes on for as long as it can, then the GDMA.
    """
    done = [0, 0]
    waits = (tiu_wait, gdma_wait)
    made: list[tuple[Engine, int]] = []
    while done[0] < len(tiu_wait) or done[1] < len(gdma_wait):
        before = len(made)
        for engine in Engine:
            mine, other = waits[engine], done[1 - engine]
            first = at = done[engine]
            while at < len(mine) and mine[at] <= other:
                at += 1
            made += [(engine, i) for i in range(first, at)]
            done[engine] = at
        if len(made) == before:
            raise _stuck(waits, done)
    return made


def _row(cost: Transfer) -> tuple[int, int, int, int]:
    return cost.occupancy, cost.latency, cost.payload, cost.wire


def distinct(records: Records, addresses: bool) -> tuple[Records, NDArray[np.intp]]:
    """Records that differ in what their cost depends on, and for each record the one of these it equals."""
    plain = records.copy()
    plain["wait"] = plain["tag"] = 0
    if not addresses:
        plain["operands"]["addr"] = 0
    words = plain.view(np.uint64).reshape(len(plain), RECORD.itemsize // 8)
    sums = (words * _ODD).sum(1, dtype=np.uint64)
    _, first, kind = np.unique(sums, return_index=True, return_inverse=True)
    if not np.array_equal(words[first[kind]], words):
        _, first, kind = np.unique(plain.view(_BYTES), return_index=True, return_inverse=True)
    return plain[first], kind


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


def _stuck(waits: tuple[Sequence[int], Sequence[int]], done: list[int]) -> Deadlock:
    stuck = [(engine, at) for engine in Engine if (at := done[engine]) < len(waits[engine])]
    parts = [
        f"{engine.name} record {at + 1} waits for {Engine(1 - engine).name} record {waits[engine][at]}"
        for engine, at in stuck
    ]
    first, at = stuck[0]
    return Deadlock("deadlock: " + ", ".join(parts), 0, first, at + 1)
