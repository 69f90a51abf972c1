"""Records and curves spread over equal parts of a run: what there is room for in a picture."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Shares = NDArray[np.float64]


def shares(starts: Whole, ends: Whole, amounts: Shares | Whole, edges: Shares) -> Shares:
    """Of what records do evenly from start to end, one after the other, how much falls into each part."""
    if not len(starts):
        return np.zeros(len(edges) - 1)
    times = np.stack([starts, ends], 1).ravel()
    done = np.concatenate([[0], np.cumsum(amounts)])
    return np.diff(np.interp(edges, times, np.stack([done[:-1], done[1:]], 1).ravel()))


def longest(starts: Whole, ends: Whole, kinds: Whole, edges: Shares) -> Mapping[int, list[tuple[float, float]]]:
    """By kind, the parts of which it takes the most time, as spans in time order."""
    there = np.unique(kinds)
    rows = [shares(starts[kinds == kind], ends[kinds == kind], (ends - starts)[kinds == kind], edges) for kind in there]
    most = there[np.array(rows).argmax(0)]
    changes = [0, *(np.flatnonzero(np.diff(most)) + 1).tolist(), len(most)]
    found: dict[int, list[tuple[float, float]]] = {}
    for first, stop in pairwise(changes):
        found.setdefault(int(most[first]), []).append((float(edges[first]), float(edges[stop])))
    return found


def highest(times: Whole, values: Whole, edges: Shares) -> Shares:
    """The highest of each part of a curve that keeps each value until the next; 0 before the first."""
    made = np.zeros(len(edges) - 1)
    if len(times):
        parts = np.clip(np.searchsorted(edges, times, "right") - 1, 0, len(made) - 1)
        np.maximum.at(made, parts, values)
        before = np.searchsorted(times, edges[:-1], "right") - 1
        made = np.maximum(made, np.where(before >= 0, values[before], 0))
    return made
