"""
When each record runs: two in-order engines that wait for each other's completions (CHIP §2, §3).

A record starts when its engine is free and the record it waits for has completed. A TIU record completes when its
engine is free again, a GDMA record `DMA_LATENCY` later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulator.chip import Chip
from simulator.isa.record import RECORD, Records, decode
from simulator.isa.table import Engine
from simulator.timing import Transfer, cycles, transfer

Cycles = NDArray[np.int64]


class Deadlock(ValueError):
    """Both engines wait for records that come after those that wait; the message names them."""


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
    occupied = moves[:, 0]
    starts = _starts(tiu_costs(tiu, chip), occupied, moves[:, 1], tiu["wait"], gdma["wait"])
    computes, transfers = (np.array(times, np.int64).reshape(-1, 3).T for times in starts)
    return Timeline(Track(*computes), Track(*transfers), moves[:, 2], moves[:, 3])


def tiu_costs(records: Records, chip: Chip) -> Cycles:
    """Cycles of each TIU record."""
    kinds, kind = distinct(records, addresses=True)
    return np.array([cycles(decode(record), chip) for record in kinds], np.int64)[kind]


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
            raise Deadlock(_stuck(waits, done))
    return made


def _row(cost: Transfer) -> tuple[int, int, int, int]:
    return cost.occupancy, cost.latency, cost.payload, cost.wire


def distinct(records: Records, addresses: bool) -> tuple[Records, NDArray[np.intp]]:
    """Records that differ in what their cost depends on, and for each record the one of these it equals."""
    plain = records.copy()
    plain["wait"] = plain["tag"] = 0
    if not addresses:
        plain["operands"]["addr"] = 0
    rows = plain.view(np.dtype((np.void, RECORD.itemsize)))
    _, first, kind = np.unique(rows, return_index=True, return_inverse=True)
    return plain[first], kind


def _starts(
    tiu: Cycles, occupied: Cycles, latency: Cycles, tiu_wait: Cycles, gdma_wait: Cycles
) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    """(start, free, end) of each record of either engine."""
    costs = (tiu.tolist(), occupied.tolist())
    tails = ([0] * len(tiu), latency.tolist())
    waits: tuple[list[int], list[int]] = (tiu_wait.tolist(), gdma_wait.tolist())
    made: tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]] = ([], [])
    free = [0, 0]
    for engine, i in order(*waits):
        awaited = waits[engine][i]
        start = max(free[engine], made[1 - engine][awaited - 1][2]) if awaited else free[engine]
        free[engine] = start + costs[engine][i]
        made[engine].append((start, free[engine], free[engine] + tails[engine][i]))
    return made


def _stuck(waits: tuple[Sequence[int], Sequence[int]], done: list[int]) -> str:
    parts: list[str] = []
    for engine in Engine:
        if (at := done[engine]) < len(waits[engine]):
            parts.append(
                f"{engine.name} record {at + 1} waits for {Engine(1 - engine).name} record {waits[engine][at]}"
            )
    return "deadlock: " + ", ".join(parts)
