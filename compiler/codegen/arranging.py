"""
The quickest way found to run a stretch: where buffers lie and in which order moves go out.

Several ways to put down the buffers are tried, and the event model tells which is best; the addresses that the groups
were given are one of them. Wishes follow from a time in which the TIU is never held up, or, since memory may not allow
that, from one between it and the time of the best way so far.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.codegen.buffers import Buffers
from compiler.codegen.hazards import Facts, Hazards, hazards
from compiler.codegen.ordering import ordered, timed
from compiler.codegen.placing import Wishes, place, shared, wishes
from simulator.chip import Chip
from simulator.spans import bank_conflicts

Numbers = NDArray[np.int64]

AIMS = (
    *((stalled, lead, 1) for stalled, lead in ((0.0, 1.0), (0.0, 2.0), (0.5, 1.0), (0.5, 1.5), (0.5, 2.0))),
    *((1.0, lead, 1) for lead in (1.0, 1.5, 2.0)),
    *((0.0, lead, 1000) for lead in (1.5, 2.0)),
)
"""
Which share of the stalls wishes put up with, how many times as early as it must a load should find room, and how many
times its cycles a bank conflict counts.
"""

LARGE = 8
"""Buffers of at least one part in so many of local memory can be put down before the others."""

ROUNDS = 4
"""Over all buffers, for each way."""

RECORDS = 125_000
"""In all schedules that are tried for a stretch together; but one for each aim is."""


@dataclass(frozen=True)
class Schedule:
    """
    `moved` are the bytes by which each operand of each record is moved, `sequence` the records in order of meaning.

    `order` are the moves as they go out, each by its number in that order; `stalls` the cycles that each record of the
    TIU is held up, `cycles` those of the stretch.
    """

    moved: Numbers
    sequence: Numbers
    hazards: Hazards
    order: Numbers
    stalls: Numbers
    cycles: int


def quickest(facts: Facts, apart: Buffers | None, work: Numbers, chip: Chip) -> Schedule:
    """
    The best schedule found of records of which `work` are the cycles without bank conflicts.

    Buffers stay where they are where it isn't known which those are.
    """
    best = _schedule(facts, work, np.arange(len(work)), np.zeros(facts.reads.shape, np.int64), chip)
    if apart is None or not len(apart.addr):
        return best
    numbers = np.arange(len(apart.addr))
    small, computed_first = apart.size < chip.lane_bytes // LARGE, np.lexsort((-apart.size, apart.loaded))
    orders: list[Numbers | None] = [None, numbers, np.argsort(small, kind="stable"), computed_first]
    orders = orders[: max(1, RECORDS // (len(AIMS) * max(1, len(work))))]
    heads, partners, cycles = shared(apart, facts, work)
    for stalled, lead, charge in AIMS:
        begins = _begins(facts, work, (best.stalls * stalled).astype(np.int64))
        wanted = wishes(apart, facts, work, begins, lead, chip.lane_bytes)
        for addr in _addresses(apart, wanted, (heads, partners, charge * cycles), chip, orders):
            moved = np.where(apart.of >= 0, (addr - apart.addr)[apart.of], 0)
            best = min(best, _schedule(facts, work, apart.sequence, moved, chip), key=lambda made: made.cycles)
    return best


def _begins(facts: Facts, work: Numbers, stalls: Numbers) -> Numbers:
    """When each record of the TIU, and each store in between, begins, and the end of all."""
    steady = ~facts.loads
    held = np.zeros(len(work), np.int64)
    held[facts.tiu] = stalls
    ends = np.cumsum(np.where(facts.tiu, work, 0)[steady] + held[steady])
    return np.append(ends - np.where(facts.tiu, work, 0)[steady], ends[-1:].sum())


def _addresses(
    apart: Buffers,
    wanted: Wishes,
    together: tuple[Numbers, Numbers, Numbers],
    chip: Chip,
    orders: list[Numbers | None],
) -> Iterator[Numbers]:
    """Addresses of buffers: those given, improved, and new ones, put down in several orders."""
    for order in orders:
        addr = apart.addr.copy() if order is None else np.full(len(apart.addr), -1)
        if order is None or place(apart, wanted, together, chip, order, addr):
            for _ in range(ROUNDS):
                place(apart, wanted, together, chip, np.arange(len(addr)), addr)
            yield addr


def _schedule(facts: Facts, work: Numbers, sequence: Numbers, moved: Numbers, chip: Chip) -> Schedule:
    found, cost = hazards(facts, chip, sequence, moved), work[sequence]
    touched = np.where((facts.reads | facts.writes)[..., None], facts.spans + moved[..., None], 0)
    conflicts = bank_conflicts(touched[sequence[found.computes]], chip)
    computes, occupied = cost[found.computes] * (1 + conflicts), cost[found.moves]
    order = ordered(found, computes, occupied)
    tiu, gdma = timed(found, order, computes, occupied)
    cycles = max((int(track.end[-1]) for track in (tiu, gdma) if len(track.end)), default=0)
    return Schedule(moved, sequence, found, order, tiu.start - np.append(0, tiu.free)[:-1], cycles)
