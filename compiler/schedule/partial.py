"""
Partial packings: some buffers placed, and what that leaves for the others; placing one, and taking back.

In code that can be compiled, with state in arrays.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

Array = NDArray[np.int64]

FAR = 1 << 60

MOST = 1 << 22
"""Entries of a list or a trail at most; a search that needs more gives up."""


class Problem(NamedTuple):
    """
    Buffers: the sections of time `start` ≤ s < `stop` they live in, their bytes, and steps they live.

    The neighbours of buffer i are `near[first[i] : first[i + 1]]`; where `unit` beside one isn't 1, the upper of the
    two lies at or above the lower one's end rounded up to a multiple of it. `tied`: the greatest unit of each buffer.
    """

    start: Array
    stop: Array
    size: Array
    width: Array
    first: Array
    near: Array
    unit: Array
    tied: Array


class State(NamedTuple):
    """
    Of a section: its `floor`, bytes that wait (`total`), waiting buffers that reach into the next one (`cuts`).

    Of a buffer: the `least` offset it can have, its `offset` or -1. `cells` holds `least`, then `floor`; the trail says
    which of them were `changed`, to go back to `before`, or (numbers beyond the cells) which buffer was placed;
    `trail[0]` is its length. `lowest` is scratch.
    """

    cells: Array
    least: Array
    floor: Array
    total: Array
    cuts: Array
    lowest: Array
    offset: Array
    changed: Array
    before: Array
    trail: Array


def nothing_placed(problem: Problem) -> State:
    """Every buffer waits."""
    count, sections = len(problem.size), int(problem.stop.max())
    total, cuts = np.zeros(sections, np.int64), np.zeros(sections, np.int64)
    for start, stop, size in zip(problem.start, problem.stop, problem.size, strict=True):
        total[start:stop] += size
        cuts[start : stop - 1] += 1
    cells, room = np.zeros(count + sections, np.int64), min(count * (count + 2 * sections + 1), MOST)
    return State(
        cells,
        cells[:count],
        cells[count:],
        total,
        cuts,
        lowest=np.zeros(sections, np.int64),
        offset=np.full(count, -1, np.int64),
        changed=np.zeros(room, np.int64),
        before=np.zeros(room, np.int64),
        trail=np.zeros(1, np.int64),
    )


@cast("Any", register_jitable)
def trail_is_full(problem: Problem, state: State) -> bool:
    """Whether placing one more buffer might find no room in the trail."""
    return state.trail[0] + len(problem.size) + 2 * len(state.floor) + 1 > len(state.changed)


@cast("Any", register_jitable)
def up(offset: int, unit: int) -> int:
    """The offset, or the next multiple of `unit`."""
    return -(-offset // unit) * unit


@cast("Any", register_jitable)
def undo(problem: Problem, state: State, mark: int) -> None:
    """Take back what was done since the trail was `mark` long."""
    cells = len(state.cells)
    for entry in range(state.trail[0] - 1, mark - 1, -1):
        cell = state.changed[entry]
        if cell < cells:
            state.cells[cell] = state.before[entry]
            continue
        i = cell - cells
        state.offset[i] = -1
        for section in range(problem.start[i], problem.stop[i]):
            state.total[section] += problem.size[i]
        for section in range(problem.start[i], problem.stop[i] - 1):
            state.cuts[section] += 1
    state.trail[0] = mark


@cast("Any", register_jitable)
def place(problem: Problem, state: State, i: int) -> bool:
    """Place a buffer as low as it can lie; whether something still waits above it."""
    count, top = len(problem.size), state.least[i] + problem.size[i]
    state.offset[i] = state.least[i]
    state.changed[state.trail[0]] = len(state.cells) + i
    state.trail[0] += 1
    hat = False
    for section in range(problem.start[i], problem.stop[i]):
        state.total[section] -= problem.size[i]
        _set(state, count + section, top)
        hat = hat or state.total[section] > 0
    for section in range(problem.start[i], problem.stop[i] - 1):
        state.cuts[section] -= 1
    return hat


@cast("Any", register_jitable)
def may_fit(problem: Problem, state: State, members: Array, i: int, low: int, high: int, capacity: int) -> bool:
    """
    Whether the rest may still fit now that buffer `i` is placed, by what that means for its neighbours.

    `members` are the buffers, placed or not, of the sections `low` ≤ s < `high`; no further offset is to be lower.
    """
    bottom, top = state.offset[i], state.offset[i] + problem.size[i]
    if top > capacity:
        return False
    first, last = problem.start[i], problem.stop[i]
    for entry in range(problem.first[i], problem.first[i + 1]):
        j = problem.near[entry]
        least = up(top, problem.unit[entry])
        if state.offset[j] < 0 and state.least[j] < least:
            if least + problem.size[j] > capacity:
                return False
            _set(state, j, least)
            first, last = min(first, problem.start[j]), max(last, problem.stop[j])
    for section in range(low, high):
        if state.total[section] and max(state.floor[section], bottom) + state.total[section] > capacity:
            return False
    _raise_floors(problem, state, members, bottom, first, last)
    for section in range(first, last):
        if state.total[section] and state.floor[section] + state.total[section] > capacity:
            return False
    return True


@cast("Any", register_jitable)
def _raise_floors(problem: Problem, state: State, members: Array, bottom: int, first: int, last: int) -> None:
    """The floor of a section is no lower than the least offset of what waits there."""
    for section in range(first, last):
        state.lowest[section] = FAR
    for i in members:
        if state.offset[i] < 0:
            least = max(state.least[i], bottom)
            for section in range(max(first, problem.start[i]), min(last, problem.stop[i])):
                state.lowest[section] = min(state.lowest[section], least)
    for section in range(first, last):
        if state.total[section] and state.lowest[section] > state.floor[section]:
            _set(state, len(problem.size) + section, state.lowest[section])


@cast("Any", register_jitable)
def _set(state: State, cell: int, value: int) -> None:
    entry = state.trail[0]
    state.changed[entry], state.before[entry] = cell, state.cells[cell]
    state.trail[0] += 1
    state.cells[cell] = value
