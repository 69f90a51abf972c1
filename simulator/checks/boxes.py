"""
Many operands' bytes at once, as boxes of contiguous runs.

A box is a run of `length` bytes from byte `start`, repeated along up to four axes (`extents`, `steps` in bytes), in
every lane from `first` to before `last`. An operand in local memory is three of them at most (`memory.pieces`), one in
global memory is one, in lane 0. Axes whose bytes follow each other, or overlap, are part of the run, whatever their
order; so nearly every operand is a run in a range of lanes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.isa.record import Records
from simulator.isa.table import Region
from simulator.spans import ITEMSIZES

Whole = NDArray[np.int64]
"""Whole numbers, one for each of many things."""


@dataclass(frozen=True)
class Boxes:
    """Boxes of operands one after another; those of operand i begin at `at[i]` and end before `at[i + 1]`."""

    at: Whole
    first: Whole
    last: Whole
    start: Whole
    length: Whole
    extents: Whole
    steps: Whole


def boxes(held: Records, lanes: int) -> Boxes:
    """The boxes of an array of `OPERAND`, each of which lies within its memory."""
    dims, strides = held["dims"].astype(np.int64), held["strides"].astype(np.int64)
    of, first, last, depth, depths = _pieces(held, dims[:, 1], lanes)
    start = held["addr"].astype(np.int64)[of] + depth * strides[of, 1]
    extents, steps = dims[of], strides[of]
    extents[:, 1] = depths
    start, length, extents, steps = _joined(start, ITEMSIZES[held["dtype"]][of], extents, steps)
    at = np.searchsorted(of, np.arange(len(held) + 1))
    return Boxes(at, first, last, start, length, extents, steps)


def _pieces(held: Records, channels: Whole, lanes: int) -> tuple[Whole, Whole, Whole, Whole, Whole]:
    """Operand, first and last lane, first depth and depths of each piece, as `memory.pieces` has them."""
    local, lane = held["region"] == Region.LOCAL, held["lane"].astype(np.int64)
    head = np.where(local & (lane > 0), np.minimum(channels, lanes - lane), 0)
    rest, depth = np.where(local, channels - head, 0), (head > 0).astype(np.int64)
    full, tail = rest // lanes, rest % lanes
    zero, one = np.zeros(len(held), np.int64), np.ones(len(held), np.int64)
    rows = np.stack(
        [
            np.stack([zero, one, zero, np.where(local, 0, channels)]),
            np.stack([lane, lane + head, zero, (head > 0).astype(np.int64)]),
            np.stack([zero, zero + lanes, depth, full]),
            np.stack([zero, tail, depth + full, (tail > 0).astype(np.int64)]),
        ],
        -1,
    )
    of, which = np.nonzero(rows[3])
    first, last, at, depths = rows[:, of, which]
    return of, first, last, at, depths


def _joined(start: Whole, length: Whole, extents: Whole, steps: Whole) -> tuple[Whole, Whole, Whole, Whole]:
    """The same bytes with steps of 0 or more, by fewer axes: an axis that steps no farther than the run joins it."""
    start = start + (np.minimum(steps, 0) * (extents - 1)).sum(1)
    steps, extents = np.abs(steps), np.where(steps == 0, 1, extents)
    steps = np.where(extents == 1, 0, steps)
    order = np.argsort(steps, 1, kind="stable")
    steps, extents = np.take_along_axis(steps, order, 1), np.take_along_axis(extents, order, 1)
    for axis in range(steps.shape[1]):
        joins = steps[:, axis] <= length
        length = np.where(joins, (extents[:, axis] - 1) * steps[:, axis] + length, length)
        extents[:, axis] = np.where(joins, 1, extents[:, axis])
    return start, length, extents, np.where(extents == 1, 0, steps)
