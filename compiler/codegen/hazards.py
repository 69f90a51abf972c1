"""
Which records must follow which: conflicts of the bytes they touch, in order of meaning.

Records of the TIU keep their order. Of the moves, those that read local memory or write global memory (stores above
all) and those by which cores meet keep theirs too, the *stores* below; the others, the *loads*, are free to overtake.
So one number says how many of the TIU's records, or of the stores, a record must follow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.codegen.boxes import boxes, last_met, meets
from simulator import spans
from simulator.arithmetic.compiled import compiled
from simulator.chip import Chip
from simulator.isa.record import Records
from simulator.isa.table import SPECS, Engine, Region

Numbers = NDArray[np.int64]

_ENGINES = np.zeros(256, np.int64)
for _spec in SPECS.values():
    _ENGINES[_spec.code] = _spec.engine


@dataclass(frozen=True)
class Hazards:
    """
    What the records of a stretch must follow; each list in order of meaning, counts from its start.

    Of each record of the TIU `computes` holds its place among all records, of each move `moves`. `stores[m]`: move m
    is a store. A move follows the first `after_tiu` records of the TIU and the first `after_stores` stores; a store
    also all loads among the first `after_moves` moves, and any move the loads that `edges` pairs it with (earlier,
    later). A record of the TIU follows the first `tiu_after_stores` stores, and all loads whose `reader` it is; a
    load's `reader` is the number of the TIU's records if there is none.
    """

    computes: Numbers
    moves: Numbers
    stores: NDArray[np.bool_]
    after_tiu: Numbers
    after_stores: Numbers
    after_moves: Numbers
    edges: Numbers
    tiu_after_stores: Numbers
    reader: Numbers


@dataclass(frozen=True)
class Facts:
    """
    What is known of records in order of meaning wherever their buffers lie.

    `tiu` and `stores` tell a record's kind; a load is neither. `spans` are the bytes of a lane that each operand
    touches, `reads` and `writes` the operands there that do. Each move follows the first `after_stores` stores, a store
    also all loads among the first `after_moves` moves, because of what lies in global memory.
    """

    tiu: NDArray[np.bool_]
    stores: NDArray[np.bool_]
    spans: Numbers
    reads: NDArray[np.bool_]
    writes: NDArray[np.bool_]
    after_stores: Numbers
    after_moves: Numbers

    @property
    def loads(self) -> NDArray[np.bool_]:
        """The records that may overtake."""
        return ~(self.tiu | self.stores)


def facts(records: Records, chip: Chip) -> Facts:
    """The facts of records in order of meaning, END and DMA_END not among them."""
    tiu = _ENGINES[records["op"]] == Engine.TIU
    local = records["operands"]["region"] == Region.LOCAL
    reads, writes = spans.read(records), spans.written(records)
    stores = (((reads & local) | (writes & ~local)).any(1) | meets(records)) & ~tiu
    moved = stores[~tiu]
    order = np.where(moved, np.cumsum(moved), 0)
    far, after_stores, after_moves = (
        boxes(records[~tiu]),
        np.zeros(len(order), np.int64),
        np.zeros(len(order), np.int64),
    )
    last_met(far, True, order, after_stores)
    last_met(far, False, np.where(moved, 0, np.arange(1, len(order) + 1)), after_moves)
    return Facts(
        tiu, stores, spans.local_spans(records, chip), reads & local, writes & local, after_stores, after_moves
    )


def hazards(facts: Facts, chip: Chip, sequence: Numbers, moved: Numbers) -> Hazards:
    """
    The hazards of records in another order of meaning, `sequence`, their operands `moved` by so many bytes.

    Nothing but loads may change places in it, and none may pass a store that overwrites what it reads.
    """
    tiu, stores = facts.tiu[sequence], facts.stores[sequence]
    computes, moves = np.flatnonzero(tiu), np.flatnonzero(~tiu)
    place = np.where(tiu, np.cumsum(tiu), np.cumsum(~tiu)) - 1
    was = (np.cumsum(~facts.tiu) - 1)[sequence[moves]]
    stores = stores[moves]
    order = np.where(stores, np.cumsum(stores), 0)
    now = np.empty(len(moves), np.int64)
    now[was] = np.arange(1, len(moves) + 1)
    reached = np.append(0, np.maximum.accumulate(np.where(facts.stores[~facts.tiu], 0, now)))
    touched = np.where((facts.reads | facts.writes)[..., None], facts.spans + moved[..., None], 0)[sequence]
    after_tiu, after_stores = np.zeros(len(moves), np.int64), facts.after_stores[was]
    tiu_after_stores, reader = np.zeros(len(computes), np.int64), np.full(len(moves), len(computes))
    edges = np.empty((4 * len(moves), 2), np.int64)
    while True:
        count = _local(
            tiu, place, order, touched[..., 0] // chip.eu_bytes, -(-touched[..., 1] // chip.eu_bytes),
            facts.reads[sequence], facts.writes[sequence], chip.lane_bytes // chip.eu_bytes,
            after_tiu, after_stores, tiu_after_stores, reader, edges,
        )  # fmt: skip
        if count <= len(edges):
            break
        edges = np.empty((count, 2), np.int64)
    after_moves = reached[facts.after_moves[was]]
    return Hazards(
        computes, moves, stores, after_tiu, after_stores, after_moves, edges[:count], tiu_after_stores, reader
    )


@compiled
def _local(
    tiu: NDArray[np.bool_],
    place: Numbers,
    order: Numbers,
    first: Numbers,
    stop: Numbers,
    reads: NDArray[np.bool_],
    writes: NDArray[np.bool_],
    words: int,
    after_tiu: Numbers,
    after_stores: Numbers,
    tiu_after_stores: Numbers,
    reader: Numbers,
    edges: Numbers,
) -> int:
    """
    Fill in what conflicts in local memory ask for; the number of `edges`, of which those that there is room for.

    `place` is a record's number on its engine, `order` a move's among the stores, from 1.
    """
    tiu_read, tiu_wrote = np.zeros(words, np.int64), np.zeros(words, np.int64)
    store_read, store_wrote = np.zeros(words, np.int64), np.zeros(words, np.int64)
    loaded = np.full(words, -1)
    paired = np.full(len(order) + 1, -1)
    count = 0
    for i in range(len(tiu)):
        at = place[i]
        for slot in range(first.shape[1]):
            writing = writes[i, slot]
            if not (writing or reads[i, slot]):
                continue
            for word in range(first[i, slot], stop[i, slot]):
                load = loaded[word]
                if tiu[i]:
                    if load >= 0:
                        reader[load] = min(reader[load], at)
                    tiu_after_stores[at] = max(tiu_after_stores[at], store_wrote[word])
                    if writing:
                        tiu_after_stores[at] = max(tiu_after_stores[at], store_read[word])
                else:
                    after_tiu[at] = max(after_tiu[at], tiu_wrote[word])
                    after_stores[at] = max(after_stores[at], store_wrote[word])
                    if writing:
                        after_tiu[at] = max(after_tiu[at], tiu_read[word])
                        after_stores[at] = max(after_stores[at], store_read[word])
                    if load >= 0 and load != at and paired[load] != at:
                        paired[load] = at
                        if count < len(edges):
                            edges[count, 0], edges[count, 1] = load, at
                        count += 1
        # What a record reads and what it writes may share words: only now is it known to those that follow.
        for slot in range(first.shape[1]):
            for word in range(first[i, slot], stop[i, slot]):
                if reads[i, slot]:
                    if tiu[i]:
                        tiu_read[word] = at + 1
                    else:
                        store_read[word] = order[at]
                if writes[i, slot]:
                    if tiu[i]:
                        tiu_wrote[word] = at + 1
                    elif order[at]:
                        store_wrote[word] = order[at]
                    else:
                        loaded[word] = at
    return count
