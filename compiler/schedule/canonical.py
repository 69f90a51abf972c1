"""
Exact packing: offsets that stay under a capacity, or the proof that there are none.

The canonical search of MiniMalloc (ASPLOS 2023, doi 10.1145/3623278.3624752), depth first. Every packing can be built
by placing buffers at offsets that never fall, each as low as those beneath it allow, so only that is tried. A branch
ends where the floor of a section of time and what still waits to lie above it pass the capacity, and where a buffer
that waits would have fitted beneath the one placed; if nothing waits above a buffer, its alternatives aren't looked at.
Wherever no buffer that waits spans two sections, what lies left and right of that is solved by itself: what fails in
one part is never tried again with another packing of the other.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np
from numba.extending import register_jitable

from compiler.schedule.partial import (
    FAR,
    MOST,
    Array,
    Problem,
    State,
    may_fit,
    nothing_placed,
    place,
    trail_is_full,
    undo,
    up,
)
from simulator.arithmetic.compiled import compiled

FOUND, NONE, LIMIT = 1, 0, -1
"""Outcomes: offsets found; there are none; the nodes allowed weren't enough to tell."""

WIDTH, AREA, TOTAL = range(3)
"""Keys of a buffer: how long it lives, times its bytes, and the most bytes that wait in a section of its life."""

ORDERS = ((WIDTH, AREA, TOTAL), (TOTAL, AREA, WIDTH), (TOTAL, WIDTH, AREA))
"""Which of the buffers at one offset goes first, greatest key first."""

LOW, HIGH, NEXT, OWNER = range(4)
"""Fields of a part: its sections LOW ≤ s < HIGH, the part to be solved after it, the frame that made it."""

FIRST, LAST, TRIED, END, MARK, PARTS, FLOOR, HATLESS, BACK, AFTER, FIELDS = range(2, 13)
"""
Fields of a frame, after LOW and HIGH: its members' places, those of its candidates from the next one on, trail and
parts as it found them, where it placed a buffer, if nothing waits above that, the frame to go back to, the part after.
"""


class Stack(NamedTuple):
    """Frames and parts by their fields, the lists of buffers they refer to with their ranks, and the buffers' keys."""

    frames: Array
    parts: Array
    members: Array
    ranks: Array
    keys: Array


def search(problem: Problem, capacity: int, order: int, limit: int) -> tuple[int, int, Array]:
    """The outcome within `limit` nodes, the nodes visited, and, if found, offsets under `capacity`."""
    state, stack = nothing_placed(problem), _nothing_tried(problem)
    outcome, nodes = _compiled_search(problem, state, stack, capacity, order, limit)
    return outcome, nodes, state.offset


def _nothing_tried(problem: Problem) -> Stack:
    count, sections = len(problem.size), int(problem.stop.max())
    room = min(2 * count * (count + 1), MOST)
    return Stack(
        frames=np.zeros((count + 1, FIELDS), np.int64),
        parts=np.zeros((sections + count + 1, 4), np.int64),
        members=np.zeros(room, np.int64),
        ranks=np.zeros(room, np.int64),
        keys=np.stack([problem.width, problem.width * problem.size, problem.size]),
    )


@cast("Any", register_jitable)
def _search(problem: Problem, state: State, stack: Stack, capacity: int, order: int, limit: int) -> tuple[int, int]:
    part, made = _split(state, stack.parts, 0, len(state.floor), -1, -1, 0)
    depth, nodes, whole = -1, 0, False
    while part >= 0:
        if nodes == limit or _full(problem, state, stack, depth):
            return LIMIT, nodes
        nodes += 1
        if whole:
            _deepen(problem, state, stack, depth, made)
        else:
            _open(problem, state, stack, depth, part, made, order)
        depth = _advance(problem, state, stack, depth + 1, capacity)
        if depth < 0:
            return NONE, nodes
        frame = stack.frames[depth]
        after = frame[AFTER]
        part, made = _split(state, stack.parts, frame[LOW], frame[HIGH], depth, after, frame[PARTS])
        whole = part != after and stack.parts[part, LOW] == frame[LOW] and stack.parts[part, HIGH] == frame[HIGH]
    return FOUND, nodes


_compiled_search = compiled(_search)


@cast("Any", register_jitable)
def _full(problem: Problem, state: State, stack: Stack, depth: int) -> bool:
    """Whether the next frame might not find room."""
    top = stack.frames[depth, END] if depth >= 0 else 0
    return trail_is_full(problem, state) or top + 2 * len(problem.size) > len(stack.members)


@cast("Any", register_jitable)
def _split(state: State, parts: Array, low: int, high: int, owner: int, after: int, made: int) -> tuple[int, int]:
    """Enter the parts of the sections in which buffers wait, to be solved before `after`: the first, and how many."""
    end = high
    for section in range(high - 1, low - 1, -1):
        if section == low or state.cuts[section - 1] == 0:
            if state.total[section] > 0:
                part = parts[made]
                part[LOW], part[HIGH], part[NEXT], part[OWNER] = section, end, after, owner
                after = made
                made += 1
            end = section
    return after, made


@cast("Any", register_jitable)
def _open(problem: Problem, state: State, stack: Stack, depth: int, part: int, made: int, order: int) -> None:
    """A frame for a part, with the buffers that wait in it, ranked."""
    low, high, after, owner = stack.parts[part]
    members, keys = stack.members, stack.keys
    first = last = stack.frames[depth, END] if depth >= 0 else 0
    above = stack.frames[max(owner, 0)]
    for entry in range(len(problem.size) if owner < 0 else above[LAST] - above[FIRST]):
        i = entry if owner < 0 else members[above[FIRST] + entry]
        if state.offset[i] >= 0 or problem.start[i] < low or problem.stop[i] > high:
            continue
        keys[TOTAL, i] = 0
        for section in range(problem.start[i], problem.stop[i]):
            keys[TOTAL, i] = max(keys[TOTAL, i], state.total[section])
        at = last
        while at > first and _precedes(keys, i, members[at - 1], order):
            members[at] = members[at - 1]
            at -= 1
        members[at] = i
        last += 1
    frame = stack.frames[depth + 1]
    frame[LOW], frame[HIGH], frame[BACK], frame[AFTER], frame[FIRST], frame[LAST] = low, high, owner, after, first, last
    _candidates(problem, state, stack, frame, last, made, above[FLOOR] if owner >= 0 else 0, 0)


@cast("Any", register_jitable)
def _precedes(keys: Array, i: int, j: int, order: int) -> bool:
    for key in ORDERS[order]:
        if keys[key, i] != keys[key, j]:
            return keys[key, i] > keys[key, j]
    return i < j


@cast("Any", register_jitable)
def _deepen(problem: Problem, state: State, stack: Stack, depth: int, made: int) -> None:
    """A frame for what is left of the part that the frame at `depth` has placed a buffer of."""
    above, frame = stack.frames[depth], stack.frames[depth + 1]
    frame[LOW], frame[HIGH], frame[BACK], frame[AFTER] = above[LOW], above[HIGH], depth, above[AFTER]
    frame[FIRST], frame[LAST] = above[FIRST], above[LAST]
    _candidates(problem, state, stack, frame, above[END], made, above[FLOOR], stack.ranks[above[TRIED] - 1])


@cast("Any", register_jitable)
def _candidates(
    problem: Problem, state: State, stack: Stack, frame: Array, top: int, made: int, floor: int, rank: int
) -> None:
    """List from `top` which members may come next: none before `floor` and `rank`, none that leaves room beneath."""
    members, ranks, height, end = stack.members, stack.ranks, FAR, top
    for entry in range(frame[FIRST], frame[LAST]):
        i = members[entry]
        if state.offset[i] < 0:
            height = min(height, up(state.least[i] + problem.size[i], problem.tied[i]))
    for entry in range(frame[FIRST], frame[LAST]):
        i, mine = members[entry], entry - frame[FIRST]
        least = state.least[i]
        if state.offset[i] >= 0 or least >= height or least < floor or (least == floor and mine < rank):
            continue
        at = end
        while at > top and state.least[members[at - 1]] > least:
            members[at], ranks[at] = members[at - 1], ranks[at - 1]
            at -= 1
        members[at], ranks[at] = i, mine
        end += 1
    frame[TRIED], frame[END], frame[MARK], frame[PARTS], frame[HATLESS] = top, end, state.trail[0], made, 0


@cast("Any", register_jitable)
def _advance(problem: Problem, state: State, stack: Stack, depth: int, capacity: int) -> int:
    """Place the next candidate, going back as far as it takes; the depth of its frame, or -1 if nothing is left."""
    while depth >= 0:
        frame = stack.frames[depth]
        undo(problem, state, frame[MARK])
        if frame[TRIED] == frame[END] or frame[HATLESS]:
            depth = frame[BACK]
            continue
        i = stack.members[frame[TRIED]]
        frame[TRIED] += 1
        frame[FLOOR] = state.least[i]
        hat = place(problem, state, i)
        frame[HATLESS] = not hat
        members = stack.members[frame[FIRST] : frame[LAST]]
        if may_fit(problem, state, members, i, frame[LOW], frame[HIGH], capacity):
            break
    return depth
