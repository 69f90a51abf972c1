"""
Offsets in global memory for tensors with lifetimes: no two that live at once overlap, and the top is as low as found.

Dynamic storage allocation is NP-hard, yet greedy first fit by falling size meets the lower bound on most networks
(arXiv 2001.03288 and our own measurements). So several orders are tried until one meets it; then the exact search asks
whether the bound can be met, and, if it can't tell or it can't be, how near it one gets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd

from compiler.schedule.lifetimes import Lifetime, lower_bound, overlapping
from simulator.layout import up

NODES = 200_000
"""Nodes of the exact search at the lower bound; an eighth of them at each capacity above that."""


@dataclass(frozen=True)
class Packing:
    """
    `offsets` in bytes, in the order of the lifetimes; `peak` is the top, `bound` the most bytes live at a step.

    `optimal`: no packing has a lower peak.
    """

    offsets: tuple[int, ...]
    peak: int
    bound: int
    optimal: bool


Key = Callable[[Lifetime], tuple[int, ...]]

ORDERS: dict[str, Key] = {
    "size": lambda t: (-t.size, t.start),
    "area": lambda t: (-t.size * (t.stop - t.start), t.start),
    "duration": lambda t: (t.start - t.stop, -t.size),
    "start": lambda t: (t.start, -t.size),
}
"""Orders of placing, by what goes first."""


def pack(lifetimes: Sequence[Lifetime], nodes: int = NODES) -> Packing:
    """
    The best packing found: greedy, O(orders · n²·log n), and if that is above the bound by search of so many `nodes`.

    It depends on the arguments alone, never on the clock.
    """
    best = _greedy(lifetimes)
    return best if best.optimal or not nodes else _searched(lifetimes, best, nodes)


def _greedy(lifetimes: Sequence[Lifetime]) -> Packing:
    """The best of all orders, lowest gap or tightest gap first."""
    bound, neighbours = lower_bound(lifetimes), overlapping(lifetimes)
    found = list[Packing]()
    for key in ORDERS.values():
        order = _sorted(lifetimes, key)
        for tightest in (False, True):
            offsets = _place(lifetimes, order, neighbours, tightest)
            found.append(_packing(lifetimes, offsets, bound, bound))
            if found[-1].optimal:
                return found[-1]
    return min(found, key=lambda packing: packing.peak)


def _searched(lifetimes: Sequence[Lifetime], best: Packing, nodes: int) -> Packing:
    """The bound if it can be met, else by bisection what can."""
    # Numba takes half a second to import: most networks do without.
    from compiler.schedule.exact import Exact

    exact, unit = Exact(lifetimes), gcd(*(t.size for t in lifetimes))
    capacity, least, refuted = best.bound, best.bound, best.bound - unit
    while capacity < best.peak:
        offsets, exhausted = exact.fitting(capacity, nodes if capacity == best.bound else nodes // 8)
        if offsets:
            best = _packing(lifetimes, offsets, best.bound, least)
        else:
            refuted = capacity
            least = refuted + unit if exhausted else least
        capacity = refuted + up(best.peak - refuted, 2 * unit) * unit
    return Packing(best.offsets, best.peak, best.bound, best.peak == least)


def _packing(lifetimes: Sequence[Lifetime], offsets: Sequence[int], bound: int, least: int) -> Packing:
    peak = max((offset + t.size for offset, t in zip(offsets, lifetimes, strict=True)), default=0)
    return Packing(tuple(offsets), peak, bound, peak == least)


def _sorted(lifetimes: Sequence[Lifetime], key: Key) -> list[int]:
    return sorted(range(len(lifetimes)), key=lambda i: key(lifetimes[i]))


def _place(
    lifetimes: Sequence[Lifetime], order: Sequence[int], neighbours: Sequence[Sequence[int]], tightest: bool
) -> list[int]:
    offsets = [-1] * len(lifetimes)
    for i in order:
        spans = sorted((offsets[j], offsets[j] + lifetimes[j].size) for j in neighbours[i] if offsets[j] >= 0)
        offsets[i] = _gap(spans, lifetimes[i].size, tightest)
    return offsets


def _gap(spans: Sequence[tuple[int, int]], size: int, tightest: bool) -> int:
    """The lowest gap between spans, sorted by start, that holds `size` bytes; or the smallest such gap."""
    reached, found, room = 0, -1, 0
    for start, stop in spans:
        gap = start - reached
        if gap >= size and (found < 0 or (tightest and gap < room)):
            found, room = reached, gap
            if not tightest:
                break
        reached = max(reached, stop)
    return reached if found < 0 else found
