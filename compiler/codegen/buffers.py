"""The buffers of a stretch: which operand is in which, and when each is in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.codegen.hazards import Facts
from compiler.codegen.step import Step
from simulator.arithmetic.compiled import compiled
from simulator.chip import Chip

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Buffers:
    """
    Buffers by the time of their first use.

    Times are counted in the records that keep their order, those of the TIU and stores. A buffer lies at byte `addr` of
    each lane, takes `size` bytes, and is in use from time `first` to `last`. What is in one that is `loaded` comes by
    loads alone, which may be issued from whenever its bytes are free. `of` names the buffer of every operand of every
    record, -1 where there is none; `sequence` are the records in an order in which loads come just in time.
    """

    addr: Numbers
    size: Numbers
    first: Numbers
    last: Numbers
    loaded: NDArray[np.bool_]
    of: Numbers
    sequence: Numbers


def buffers(tiles: Sequence[Step], facts: Facts, chip: Chip) -> Buffers | None:
    """The buffers of a stretch; None where an operand lies in none, or in more than one."""
    counts = np.cumsum([0, *(len(step.nodes) for step in tiles)])
    begun = [
        (int(count) + b.at, b.addr, b.size) for count, step in zip(counts, tiles, strict=False) for b in step.begun
    ]
    at, addr, size = np.array(begun, np.int64).reshape(-1, 3).T.copy()
    of = np.full(facts.reads.shape, -1)
    if not _owners(at, addr, addr + size, facts.spans, facts.reads | facts.writes, chip.lane_bytes, of):
        return None
    records, slots = np.nonzero(of >= 0)
    mine = of[records, slots]
    kept = ~facts.loads
    time = np.cumsum(kept) - kept
    deadline = _deadlines(facts, time)
    first, last = np.full(len(at), len(kept) + 1), np.full(len(at), -1)
    steady = kept[records]
    np.minimum.at(first, mine[steady], time[records[steady]])
    np.maximum.at(last, mine[steady], time[records[steady]])
    np.minimum.at(first, mine[~steady], deadline[records[~steady]])
    late = np.zeros(len(at), np.bool_)
    late[mine[~steady & (time[records] > first[mine])]] = True
    fed = np.zeros(len(at), np.bool_)
    fed[mine[~steady]] = True
    loaded = fed & ~late & (last >= 0)
    np.minimum.at(first, mine[~loaded[mine]], time[records[~loaded[mine]]])
    np.maximum.at(last, mine[~loaded[mine]], time[records[~loaded[mine]]])
    when = time.copy()
    moved = ~steady & loaded[mine]
    when[records[moved]] = first[mine[moved]]
    sequence = np.lexsort((np.arange(len(when)), kept, when))
    return _sorted(Buffers(addr, size, first, last, loaded, of, sequence))


def _deadlines(facts: Facts, time: Numbers) -> Numbers:
    """The time at which a store overwrites what a load reads; a load may not come later."""
    moves = np.flatnonzero(~facts.tiu)
    by_move = np.full(len(moves) + 1, len(time) + 1)
    np.minimum.at(by_move, facts.after_moves, np.where(facts.after_moves > 0, time[moves], len(time) + 1))
    # A store that follows the first k moves is a deadline for all of them.
    ends = np.full(len(time), len(time) + 1)
    ends[moves] = np.minimum.accumulate(by_move[::-1])[::-1][1:]
    return ends


def _sorted(found: Buffers) -> Buffers:
    """Buffers that are used, by their first use."""
    order = np.flatnonzero(found.last >= 0)
    order = order[np.argsort(found.first[order], kind="stable")]
    number = np.full(len(found.addr) + 1, -1)
    number[order] = np.arange(len(order))
    return Buffers(
        found.addr[order],
        found.size[order],
        found.first[order],
        found.last[order],
        found.loaded[order],
        number[found.of],
        found.sequence,
    )


@compiled
def _owners(
    at: Numbers, addr: Numbers, stop: Numbers, spans: Numbers, touched: NDArray[np.bool_], room: int, of: Numbers
) -> bool:
    """Fill in the buffer of each operand; False where one doesn't lie in one buffer."""
    owner = np.full(room, -1)
    begun = 0
    for i in range(len(spans)):
        while begun < len(at) and at[begun] <= i:
            owner[addr[begun] : stop[begun]] = begun
            begun += 1
        for slot in range(spans.shape[1]):
            if touched[i, slot]:
                home = owner[spans[i, slot, 0]]
                if home < 0 or spans[i, slot, 0] < addr[home] or spans[i, slot, 1] > stop[home]:
                    return False
                of[i, slot] = home
    return True
