"""
Offsets in global memory for tensors with lifetimes: no two that live at once overlap, and the top is as low as found.

Dynamic storage allocation is NP-hard, yet greedy first fit by falling size meets the lower bound on whole networks
(arXiv 2001.03288 and our own measurements), so several orders are tried until one meets it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Lifetime:
    """A tensor of `size` bytes, live at steps start ≤ t < stop."""

    start: int
    stop: int
    size: int


@dataclass(frozen=True)
class Packing:
    """`offsets` in bytes, in the order of the lifetimes; `peak` is the top, `bound` the most bytes live at a step."""

    offsets: tuple[int, ...]
    peak: int
    bound: int


Key = Callable[[Lifetime], tuple[int, ...]]

ORDERS: dict[str, Key] = {
    "size": lambda t: (-t.size, t.start),
    "area": lambda t: (-t.size * (t.stop - t.start), t.start),
    "duration": lambda t: (t.start - t.stop, -t.size),
    "start": lambda t: (t.start, -t.size),
}
"""Orders of placing, by what goes first."""


def pack(lifetimes: Sequence[Lifetime]) -> Packing:
    """The best packing of all orders, lowest gap or tightest gap first. O(orders · n²·log n)."""
    bound, neighbours = lower_bound(lifetimes), overlapping(lifetimes)
    best: Packing | None = None
    for key in ORDERS.values():
        order = _sorted(lifetimes, key)
        for tightest in (False, True):
            offsets = _place(lifetimes, order, neighbours, tightest)
            peak = max((o + t.size for o, t in zip(offsets, lifetimes, strict=True)), default=0)
            if best is None or peak < best.peak:
                best = Packing(tuple(offsets), peak, bound)
            if peak == bound:
                return best
    assert best is not None
    return best


def lower_bound(lifetimes: Sequence[Lifetime]) -> int:
    """The most bytes live at one step: no packing has a lower top."""
    changes = sorted([(t.start, t.size) for t in lifetimes] + [(t.stop, -t.size) for t in lifetimes])
    live = most = 0
    for _, change in changes:
        live += change
        most = max(most, live)
    return most


def overlapping(lifetimes: Sequence[Lifetime]) -> list[list[int]]:
    """For each tensor, the others that live at some step with it."""
    by_start = sorted(range(len(lifetimes)), key=lambda i: lifetimes[i].start)
    found = [list[int]() for _ in lifetimes]
    active = list[int]()
    for i in by_start:
        active = [j for j in active if lifetimes[j].stop > lifetimes[i].start]
        for j in active:
            found[i].append(j)
            found[j].append(i)
        active.append(i)
    return found


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
