"""What lives when, how many bytes that takes at the least, and what lives together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Lifetime:
    """A tensor of `size` bytes, live at steps start ≤ t < stop."""

    start: int
    stop: int
    size: int


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
