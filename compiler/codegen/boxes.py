"""Boxes of bytes in global memory that moves read and write, and which of them meet."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from simulator import spans
from simulator.arithmetic.compiled import compiled
from simulator.isa.record import Records
from simulator.isa.table import SPECS, Region

Numbers = NDArray[np.int64]

BLOCK = 64
"""Boxes whose hull is looked at before them."""

TRIALS = 64
"""Steps after which two boxes are taken to meet."""

REGION_SHIFT = 40
"""Regions lie so far apart, as a power of two, that no box reaches the next."""


@dataclass(frozen=True)
class Boxes:
    """
    The operands in writable global memory of a list of moves, in its order.

    Each is move `of`'s, `written` or only read. It covers the bytes at `first` plus whole steps of `strides`, fewer
    than `extents` of each, all before `stop`; strides descend, the last is that of an element's bytes.
    """

    of: Numbers
    written: NDArray[np.bool_]
    first: Numbers
    stop: Numbers
    strides: Numbers
    extents: Numbers


_WRITABLE = (Region.ACTIVATION, Region.IO)


def meets(moves: Records) -> NDArray[np.bool_]:
    """By which of the moves cores meet."""
    return np.isin(moves["op"], [SPECS["SEND"].code, SPECS["WAIT"].code])


def boxes(moves: Records) -> Boxes:
    """
    The boxes of records. Weights are never written, so they have none.

    Where cores meet, all that is written may be another core's: that counts as a write of everything.
    """
    own = _operands(moves)
    of = np.repeat(np.flatnonzero(meets(moves)), len(_WRITABLE))
    first = np.array(_WRITABLE, np.int64)[np.arange(len(of)) % len(_WRITABLE)] << REGION_SHIFT
    strides, extents = np.zeros((len(of), 5), np.int64), np.ones((len(of), 5), np.int64)
    strides[:, 0], extents[:, 0] = 1, 1 << REGION_SHIFT
    rest = Boxes(of, np.ones(len(of), np.bool_), first, first + (1 << REGION_SHIFT), strides, extents)
    order = np.argsort(np.concatenate([own.of, of]), kind="stable")
    return Boxes(*(np.concatenate([getattr(own, f.name), getattr(rest, f.name)])[order] for f in fields(Boxes)))


def _operands(moves: Records) -> Boxes:
    """The boxes of the records' operands."""
    operands, writes = moves["operands"], spans.written(moves)
    far = np.isin(operands["region"], _WRITABLE)
    of, slot = np.nonzero(spans.used(moves) & far)
    given = operands[of, slot]
    strides = np.concatenate([given["strides"].astype(np.int64), np.ones((len(of), 1), np.int64)], 1)
    extents = np.concatenate([given["dims"].astype(np.int64), spans.ITEMSIZES[given["dtype"]][:, None]], 1)
    steps = np.where(strides == 0, 0, extents - 1) * strides
    first = given["addr"] + np.minimum(steps, 0).sum(1) + (given["region"].astype(np.int64) << REGION_SHIFT)
    stop = first + np.abs(steps).sum(1) + 1
    strides = np.where(steps == 0, 0, np.abs(strides))
    falling = np.argsort(-strides, axis=1, kind="stable")
    strides, extents = (np.take_along_axis(values, falling, 1) for values in (strides, np.where(strides, extents, 1)))
    return Boxes(of, writes[of, slot], first, stop, strides, extents)


def last_met(boxes: Boxes, reading: bool, number: Numbers, after: Numbers) -> None:
    """
    Raise each move's entry of `after` to the highest `number` of an earlier move that it meets.

    With `reading` what it reads meets what the other writes, else what it writes what the other reads. Numbers rise;
    those of moves that don't count are 0.
    """
    late = ~boxes.written if reading else boxes.written
    early = ~late & (number[boxes.of] > 0)
    _last_met(boxes.of, early, late, boxes.first, boxes.stop, boxes.strides, boxes.extents, number, after)


@compiled
def _last_met(
    of: Numbers,
    early: NDArray[np.bool_],
    late: NDArray[np.bool_],
    first: Numbers,
    stop: Numbers,
    strides: Numbers,
    extents: Numbers,
    number: Numbers,
    after: Numbers,
) -> None:
    kept, count = np.empty(len(of), np.int64), 0
    blocks = len(of) // BLOCK + 1
    lowest, highest = np.full(blocks, np.int64(1) << 62), np.zeros(blocks, np.int64)
    for i in range(len(of)):
        if late[i]:
            at = count - 1
            while at >= 0 and number[of[kept[at]]] > after[of[i]]:
                block = at // BLOCK
                if lowest[block] >= stop[i] or highest[block] <= first[i]:
                    at = block * BLOCK - 1
                    continue
                other = kept[at]
                apart = first[other] >= stop[i] or stop[other] <= first[i] or of[other] == of[i]
                if not apart and _meet(first[other] - first[i], strides[i], extents[i], strides[other], extents[other]):
                    after[of[i]] = number[of[other]]
                at -= 1
        if early[i]:
            kept[count] = i
            block = count // BLOCK
            lowest[block], highest[block] = min(lowest[block], first[i]), max(highest[block], stop[i])
            count += 1


@compiled
def _meet(apart: int, a_steps: Numbers, a_counts: Numbers, b_steps: Numbers, b_counts: Numbers) -> bool:
    """
    Whether two boxes share a byte, the second `apart` bytes on.

    They do if `apart` is a sum of steps, each less often than the first box has it or, negative, than the second. Steps
    are tried from the largest; what the smaller ones can make up bounds how often each can be taken.
    """
    most = 2 * len(a_steps)
    step, low, high = np.zeros(most, np.int64), np.zeros(most, np.int64), np.zeros(most, np.int64)
    i = j = levels = 0
    while i < len(a_steps) or j < len(b_steps):
        step[levels] = max(a_steps[i] if i < len(a_steps) else 0, b_steps[j] if j < len(b_steps) else 0)
        if step[levels] == 0:
            break
        if i < len(a_steps) and a_steps[i] == step[levels]:
            high[levels] = a_counts[i] - 1
            i += 1
        if j < len(b_steps) and b_steps[j] == step[levels]:
            low[levels] = b_counts[j] - 1
            j += 1
        levels += 1
    above, below = np.zeros(levels + 1, np.int64), np.zeros(levels + 1, np.int64)
    for k in range(levels - 1, -1, -1):
        above[k], below[k] = above[k + 1] + high[k] * step[k], below[k + 1] + low[k] * step[k]
    # A level's next count to try, the last one, and what remains for the levels from it on.
    next_, last, rest = np.zeros(levels + 1, np.int64), np.full(levels + 1, -1), np.zeros(levels + 1, np.int64)
    rest[0], depth = apart, 0
    if levels:
        next_[0] = max(-low[0], -((above[1] - apart) // step[0]))
        last[0] = min(high[0], (apart + below[1]) // step[0])
    for _ in range(TRIALS):
        if depth == levels:
            if rest[depth] == 0:
                return True
            depth -= 1
        while depth >= 0 and next_[depth] > last[depth]:
            depth -= 1
        if depth < 0:
            return False
        rest[depth + 1] = rest[depth] - next_[depth] * step[depth]
        next_[depth] += 1
        depth += 1
        if depth < levels:
            next_[depth] = max(-low[depth], -((above[depth + 1] - rest[depth]) // step[depth]))
            last[depth] = min(high[depth], (rest[depth] + below[depth + 1]) // step[depth])
    return True
