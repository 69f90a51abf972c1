"""
The order of the moves: list scheduling in the event model.

The TIU's order is given. Whenever the GDMA is free, one of the moves is chosen whose hazards allow it: the one that is
due first. A move is due when the TIU would read what it brings if nothing ever held it up, or overwrite what it stores;
a move that others must follow is due before them. Where the move that is due first must wait for the TIU, another fills
the gap, or makes it wait longer if that costs little.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compiler.codegen.hazards import Hazards
from simulator.arithmetic.compiled import compiled
from simulator.events import Track, starts
from simulator.timing import DMA_LATENCY

Numbers = NDArray[np.int64]

WINDOW = 128
"""Loads not yet issued that are looked at, in order of meaning."""

PATIENCE = (0.0, 0.5, 2.0, 1e9)
"""Cycles that the TIU may be held up for each cycle that the GDMA would idle else; each is tried."""

FAR = 1 << 60
"""Later than any cycle of a run."""


def ordered(hazards: Hazards, computes: Numbers, occupied: Numbers) -> Numbers:
    """
    The moves, each by its number in order of meaning, in the quickest order found; that of meaning at worst.

    `computes` are the cycles of the TIU's records, `occupied` those that the moves take the GDMA.
    """
    moves = len(occupied)
    heads, edges = _lists(hazards.edges, moves)
    due = _due(hazards, computes, occupied, heads, edges)
    loads, queue = np.flatnonzero(~hazards.stores), np.append(np.flatnonzero(hazards.stores), moves)
    missing = np.bincount(hazards.reader[loads], minlength=len(computes) + 1)
    offers = list[Numbers]()
    for patience in PATIENCE:
        order = np.empty(moves, np.int64)
        _schedule(
            computes, occupied, hazards.stores, hazards.after_tiu, hazards.after_stores, hazards.after_moves,
            hazards.tiu_after_stores, hazards.reader, heads, edges, due, queue, *_ring(loads, moves),
            missing.copy(), np.bincount(edges, minlength=moves), patience, order,
        )  # fmt: skip
        offers.append(order)
    return min([*offers, np.arange(moves)], key=lambda order: cycles(hazards, order, computes, occupied))


def cycles(hazards: Hazards, order: Numbers, computes: Numbers, occupied: Numbers) -> int:
    """What a stretch takes with its moves in an order. Raises Deadlock where the order doesn't keep the hazards."""
    tracks = timed(hazards, order, computes, occupied)
    return max((int(track.end[-1]) for track in tracks if len(track.end)), default=0)


def timed(hazards: Hazards, order: Numbers, computes: Numbers, occupied: Numbers) -> tuple[Track, Track]:
    """Both engines in time, the moves in an order. Raises Deadlock where the order doesn't keep the hazards."""
    latency = np.full(len(order), DMA_LATENCY)
    return starts(computes, occupied[order], latency, tiu_waits(hazards, places(order)), hazards.after_tiu[order])


def places(order: Numbers) -> Numbers:
    """Where each move stands in an order, from 1."""
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(1, len(order) + 1)
    return place


def tiu_waits(hazards: Hazards, place: Numbers) -> Numbers:
    """The move, by its place in the order, that each record of the TIU must wait for."""
    waits = np.zeros(len(hazards.computes) + 1, np.int64)
    np.maximum.at(waits, hazards.reader, np.where(hazards.stores, 0, place))
    stored = np.append(0, place[hazards.stores])
    return np.maximum(waits[:-1], stored[hazards.tiu_after_stores])


def keeps(hazards: Hazards, place: Numbers) -> bool:
    """Whether moves that stand at `place` in their stream, from 1, follow the moves that they must."""
    stored = np.append(0, place[hazards.stores])
    loaded = np.append(0, np.maximum.accumulate(np.where(hazards.stores, 0, place)))
    earlier, later = hazards.edges.T
    return bool(
        (np.diff(stored) > 0).all()
        and (stored[hazards.after_stores] < place).all()
        and (loaded[hazards.after_moves] < place).all()
        and (place[earlier] < place[later]).all()
    )


def _ring(loads: Numbers, end: int) -> tuple[Numbers, Numbers]:
    """The load after each, and the one before it, in a ring through `end`."""
    following, previous, ring = np.full(end + 1, end), np.full(end + 1, end), np.append(loads, end)
    following[np.append(end, loads)], previous[ring] = ring, np.append(end, loads)
    return following, previous


def _lists(edges: Numbers, moves: int) -> tuple[Numbers, Numbers]:
    """The later moves of `edges` by their earlier one: those of move m begin at `heads[m]`, and end at the next's."""
    edges = edges[np.argsort(edges[:, 0], kind="stable")]
    return np.searchsorted(edges[:, 0], np.arange(moves + 1)), edges[:, 1].copy()


def _due(hazards: Hazards, computes: Numbers, occupied: Numbers, heads: Numbers, edges: Numbers) -> Numbers:
    """The cycle by which each move should be complete."""
    starts = np.append(np.cumsum(computes) - computes, FAR)
    due = starts[hazards.reader]
    _pull(
        starts, hazards.stores, hazards.after_stores, hazards.after_moves, hazards.tiu_after_stores, occupied,
        heads, edges, due,
    )  # fmt: skip
    return due


@compiled
def _pull(
    starts: Numbers,
    stores: NDArray[np.bool_],
    after_stores: Numbers,
    after_moves: Numbers,
    tiu_after_stores: Numbers,
    occupied: Numbers,
    heads: Numbers,
    edges: Numbers,
    due: Numbers,
) -> None:
    """Make moves due before what must follow them."""
    needed = np.full(len(due) + 2, FAR)
    for t in range(len(tiu_after_stores)):
        number = tiu_after_stores[t]
        needed[number] = min(needed[number], starts[t])
    number = stores.sum()
    for m in range(len(due) - 1, -1, -1):
        for e in range(heads[m], heads[m + 1]):
            due[m] = min(due[m], due[edges[e]] - occupied[edges[e]])
        if stores[m]:
            due[m] = min(due[m], needed[number])
            if number > 1:
                needed[number - 1] = min(needed[number - 1], due[m] - occupied[m])
            number -= 1
        needed[after_stores[m]] = min(needed[after_stores[m]], due[m] - occupied[m])


@compiled
def _schedule(
    computes: Numbers,
    occupied: Numbers,
    stores: NDArray[np.bool_],
    after_tiu: Numbers,
    after_stores: Numbers,
    after_moves: Numbers,
    tiu_after_stores: Numbers,
    reader: Numbers,
    heads: Numbers,
    edges: Numbers,
    due: Numbers,
    queue: Numbers,
    following: Numbers,
    previous: Numbers,
    missing: Numbers,
    blocked: Numbers,
    patience: float,
    order: Numbers,
) -> None:
    """
    Fill in `order`.

    `queue` has the stores; `following` and `previous` the loads not yet issued, as a ring that begins and ends at the
    number of moves; `missing` how many loads that each record of the TIU reads are among them; `blocked` how many each
    move must follow.
    """
    n, m = len(computes), len(occupied)
    arrival, ends, stored = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64), np.zeros(m + 1, np.int64)
    t = issued = tiu_free = gdma_free = nominal = 0
    for made in range(m + 1):
        while t < n and missing[t] == 0 and tiu_after_stores[t] <= issued:
            tiu_free = max(tiu_free, arrival[t], stored[tiu_after_stores[t]]) + computes[t]
            nominal += computes[t]
            t += 1
            ends[t] = tiu_free
        if made == m:
            break
        chosen, turn, most = m, gdma_free, FAR
        for _ in range(2):
            found, found_turn = m, 0
            candidate = queue[issued]
            if candidate < m and following[m] < after_moves[candidate]:
                candidate = m
            for _ in range(WINDOW):
                if (
                    candidate < m
                    and blocked[candidate] == 0
                    and after_stores[candidate] <= issued
                    and after_tiu[candidate] <= t
                    and occupied[candidate] <= most
                ):
                    at = max(gdma_free, ends[after_tiu[candidate]])
                    sooner = due[candidate] - due[found] if found < m else -1
                    if (sooner < 0 or (sooner == 0 and at < found_turn)) and (chosen == m or at == gdma_free):
                        found, found_turn = candidate, at
                candidate = following[m] if candidate == queue[issued] else following[candidate]
                if candidate == m:
                    break
            if found < m:
                chosen, turn = found, found_turn
            if turn == gdma_free:
                break
            # The move due first must wait for the TIU: another one may go that fills the gap, or makes it little later.
            needed = tiu_free + due[chosen] - nominal - DMA_LATENCY
            gap = turn - gdma_free
            most = gap + max(0, needed - turn - occupied[chosen]) + int(min(patience * gap, FAR))
        order[made] = chosen
        gdma_free = turn + occupied[chosen]
        for e in range(heads[chosen], heads[chosen + 1]):
            blocked[edges[e]] -= 1
        if stores[chosen]:
            issued += 1
            stored[issued] = gdma_free + DMA_LATENCY
        else:
            following[previous[chosen]], previous[following[chosen]] = following[chosen], previous[chosen]
            missing[reader[chosen]] -= 1
            arrival[reader[chosen]] = gdma_free + DMA_LATENCY
