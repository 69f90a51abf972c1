"""
Which records touch the same bytes, one of them writing: what must be in order (docs/isa.md, Programs).

Bytes are runs, from one address to another, of lanes or of a global region. This knows nothing of the map of bytes by
which `races` finds conflicts, so either can be held against the other. What it finds doesn't depend on the waits, but
for which of two records comes first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simulator.checks.ordering import Numbers, Order
from simulator.checks.walk import accesses, in_lanes
from simulator.chip import Chip
from simulator.isa.distinct import distinct
from simulator.isa.record import Operand, Records, decode
from simulator.isa.table import Engine, Region
from simulator.model_file import Model

REGION_SHIFT = 40
"""Regions lie so far apart, as a power of two, that no operand reaches the next."""


@dataclass(frozen=True)
class Runs:
    """Bytes from each of `starts` to the one before each of `stops`, in `lanes` (a bit each); rising, apart."""

    lanes: int
    starts: Numbers
    stops: Numbers

    def meets(self, other: Runs) -> bool:
        """Whether they share a byte."""
        if not self.lanes & other.lanes:
            return False
        few, many = (self, other) if len(self.starts) < len(other.starts) else (other, self)
        at = np.searchsorted(many.stops, few.starts, "right")
        there = at < len(many.starts)
        return bool((many.starts[at[there]] < few.stops[there]).any())


@lru_cache(1 << 14)
def runs_of(operand: Operand, lanes: int) -> tuple[Runs, ...]:
    """Every byte of an operand; a local one's by the lanes that hold it, on a chip with so many."""
    n, c, h, w = operand.dims
    sn, sc, sh, sw = operand.strides
    inner = ((n, sn), (h, sh), (w, sw))
    if operand.region != Region.LOCAL:
        return (Runs(1, *_runs((operand.region << REGION_SHIFT) + operand.addr, (*inner, (c, sc)), operand)),)
    depths: dict[int, list[int]] = {}
    last = operand.lane + c
    for depth in range(-(-last // lanes)):
        held = range(max(operand.lane - depth * lanes, 0), min(last - depth * lanes, lanes))
        depths.setdefault((1 << held.stop) - (1 << held.start), []).append(depth)
    return tuple(
        Runs(mask, *_runs(operand.addr + held[0] * sc, (*inner, (len(held), sc)), operand))
        for mask, held in depths.items()
    )


def _runs(first: int, axes: Sequence[tuple[int, int]], operand: Operand) -> tuple[Numbers, Numbers]:
    """Starts and stops of the bytes at `first` plus every sum of whole steps along the axes (extent, stride)."""
    length, starts = operand.dtype.itemsize, np.zeros(1, np.int64)
    for extent, stride in sorted(axes, key=lambda axis: abs(axis[1])):
        first += min((extent - 1) * stride, 0)
        if len(starts) == 1 and abs(stride) <= length:
            length += (extent - 1) * abs(stride)
        else:
            starts = (np.arange(extent)[:, None] * abs(stride) + starts).reshape(-1)
    starts = np.unique(starts) + first
    begins = np.append(True, np.diff(starts) > length)
    ends = np.append(begins[1:], True)
    return starts[begins], starts[ends] + length


@dataclass(frozen=True)
class _Rows:
    """
    What a stream touches of one memory, in its order: the 1-based record, whether it writes, and the bytes.

    `first` and `stop` span the bytes of each row; a record has as many rows as it has operands there.
    """

    record: Numbers
    writes: NDArray[np.bool_]
    first: Numbers
    stop: Numbers
    bytes: Sequence[tuple[Runs, ...]]

    def last(self, other: _Rows, at: int, after: int, until: int) -> int:
        """The last record, of those after `after` up to `until`, that conflicts with row `at` of another; else 0."""
        low, high = (int(np.searchsorted(self.record, record, "right")) for record in (after, until))
        near = (self.first[low:high] < other.stop[at]) & (self.stop[low:high] > other.first[at])
        if not other.writes[at]:
            near &= self.writes[low:high]
        for i in map(int, np.flatnonzero(near)[::-1]):
            if any(mine.meets(its) for mine in self.bytes[low + i] for its in other.bytes[at]):
                return int(self.record[low + i])
        return 0


@dataclass(frozen=True)
class Needs:
    """
    What each record must follow; later records need no less, so entries don't fall.

    `near[core][engine][i]`: of the core's other engine; `far[core][i, c]`: what its GDMA must of core c's GDMA. Counts
    from 1, 0 is none.
    """

    near: Sequence[tuple[Numbers, Numbers]]
    far: Sequence[Numbers]

    def met(self, order: Order) -> bool:
        """Whether every record follows what it must."""
        near = zip((of for both in self.near for of in both), (of for both in order.near for of in both), strict=True)
        far = zip(self.far, order.far, strict=True)
        return all(bool((needed <= known).all()) for needed, known in (*near, *far))


def needs(model: Model, order: Order) -> Needs:
    """
    The last record of each other stream that each record conflicts with, and doesn't come before.

    Of a program in which `order` leaves a conflicting pair open, it is one that isn't met.
    """
    cores = range(len(model.cores))
    local = [[_rows(core.of(engine), model.chip, True) for engine in Engine] for core in model.cores]
    shared = [_rows(core.gdma, model.chip, False) for core in model.cores]
    near = [(np.zeros(len(core.tiu), np.int64), np.zeros(len(core.gdma), np.int64)) for core in model.cores]
    far = [np.zeros((len(core.gdma), len(cores)), np.int64) for core in model.cores]
    for core in cores:
        for engine in Engine:
            mine, other = local[core][engine], local[core][1 - engine]
            _fill(mine, other, order.near[core][1 - engine], near[core][engine])
        for sender in (sender for sender in cores if sender != core):
            _fill(shared[core], shared[sender], order.far[sender][:, core], far[core][:, sender])
    return Needs(near, far)


def _fill(mine: _Rows, other: _Rows, known: Numbers, need: Numbers) -> None:
    """Fill in `need` of a stream; `known` is how many of its records each of the other's knows to be complete."""
    reached = 0
    for at, record in enumerate(map(int, mine.record)):
        until = int(np.searchsorted(known, record))
        reached = max(reached, other.last(mine, at, reached, until))
        need[record - 1] = reached
    np.maximum.accumulate(need, out=need)


def _rows(records: Records, chip: Chip, local: bool) -> _Rows:
    """What a stream touches of its core's lanes, or of global memory that is written."""
    kinds, kind = distinct(records, addresses=True)
    of: list[int] = kind.tolist()
    touched = [list(_touched(record, chip, local)) for record in kinds]
    number = [i + 1 for i, at in enumerate(of) for _ in touched[at]]
    rows = [row for at in of for row in touched[at]]
    return _Rows(
        np.array(number, np.int64),
        np.array([writes for writes, _ in rows], np.bool_),
        np.array([min(int(part.starts[0]) for part in bytes_) for _, bytes_ in rows], np.int64),
        np.array([max(int(part.stops[-1]) for part in bytes_) for _, bytes_ in rows], np.int64),
        [bytes_ for _, bytes_ in rows],
    )


def _touched(record: Records, chip: Chip, local: bool) -> Iterator[tuple[bool, tuple[Runs, ...]]]:
    """Of one record: whether it writes, and the bytes."""
    command = decode(record)
    for access in (in_lanes(command, access, chip.lanes) for access in accesses(command)):
        region = access.operand.region
        if region != Region.WEIGHT and (region == Region.LOCAL) == local:
            yield access.write, runs_of(access.operand, chip.lanes)
