"""
The code of `shadow_run`: accesses one after another, each a loop over the cells of its boxes.

What the two walks call is compiled; numba is imported with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.arithmetic.compiled import compiled
from simulator.checks.shadow_run import RAW, UNINITIALISED, WAR, WAW


def run(
    visits: Any, far: Any, at_kind: Any, write: Any, shared: Any, skipped: Any, at_box: Any, box: Any, axes: Any,
    core_step: int, lane_step: int, cores: int, read: Any, written: Any, empty: Any, hits: Any,
) -> int:  # fmt: skip  # pragma: no cover
    """
    Fill in `hits` (int64, rows of `shadow_run.COLUMNS`) and return how many there are; the first, where room is short.

    `visits` are rows of core, stream (-1: host), number, kind, known records of the other engine; `far` has those of
    every core's GDMA. Kind k has accesses `at_kind[k]` to before `at_kind[k + 1]`, access a boxes `at_box[a]` to before
    `at_box[a + 1]`; `box` are rows of origin, first byte, length, lane classes, first of them, `axes` (boxes, 4, 2)
    extents and steps. `read` and `written` (streams, cells) hold numbers of records, `empty` is 1 where nothing is.
    """
    found = 0
    for v in range(len(visits)):
        core, stream, number, kind = visits[v, 0], visits[v, 1], visits[v, 2], visits[v, 3]
        for a in range(at_kind[kind], at_kind[kind + 1]):
            if skipped[a]:
                continue
            first, last = at_box[a], at_box[a + 1]
            own, turns = box[first:last], axes[first:last]
            offset = 0 if shared[a] else core * core_step
            if not write[a]:
                found += _compare(empty, own, turns, offset, lane_step, 0, UNINITIALISED, v, a, -1, hits, found)
            if stream >= 0:
                mine = core if shared[a] else stream
                for other in range(cores if shared[a] else 2):
                    if other == mine:
                        continue
                    known = far[v, other] if shared[a] else visits[v, 4]
                    after = WAW if write[a] else RAW
                    found += _compare(
                        written[other], own, turns, offset, lane_step, known, after, v, a, other, hits, found
                    )
                    if write[a]:
                        found += _compare(
                            read[other], own, turns, offset, lane_step, known, WAR, v, a, other, hits, found
                        )
                if cores > 1 or not shared[a]:
                    _fill(written[mine] if write[a] else read[mine], own, turns, offset, lane_step, number)
            if write[a]:
                _fill(empty, own, turns, offset, lane_step, 0)
    return found


@compiled
def _turns(axes: Any) -> int:  # pragma: no cover
    """Runs of bytes that follow each other in a box of four axes of extent and step."""
    return axes[0, 0] * axes[1, 0] * axes[2, 0] * axes[3, 0]


@compiled
def _at(axes: Any, turn: int) -> int:  # pragma: no cover
    """Where such a run begins, from the first."""
    m, rest = turn % axes[3, 0], turn // axes[3, 0]
    k, rest = rest % axes[2, 0], rest // axes[2, 0]
    j, i = rest % axes[1, 0], rest // axes[1, 0]
    return i * axes[0, 1] + j * axes[1, 1] + k * axes[2, 1] + m * axes[3, 1]


@compiled
def _compare(
    cells: Any, box: Any, axes: Any, offset: int, lane_step: int, known: int, kind: int, visit: int, access: int,
    other: int, hits: Any, found: int,
) -> int:  # fmt: skip  # pragma: no cover
    """Enter a hit if a cell of the boxes is above `known`; 1 if there is one."""
    latest = np.int64(0)
    for b in range(len(box)):
        start, length = offset + box[b, 0] + box[b, 1], box[b, 2]
        for r in range(box[b, 3]):
            for turn in range(_turns(axes[b])):
                at = _at(axes[b], turn)
                at += start + r * lane_step
                part = cells[at : at + length]
                best = part[0]
                for z in range(part.size):
                    best = max(best, part[z])
                latest = max(latest, np.int64(best))
    if latest <= known:
        return 0
    if found < len(hits):
        row = hits[found]
        row[0], row[1], row[2], row[3], row[4] = kind, visit, access, latest, other
        _extent(cells, box, axes, offset, lane_step, known, row)
    return 1


@compiled
def _extent(
    cells: Any, box: Any, axes: Any, offset: int, lane_step: int, known: int, row: Any
) -> None:  # pragma: no cover
    """Enter the bytes and lane classes of the cells above `known`."""
    row[5], row[7] = np.iinfo(np.int64).max, np.iinfo(np.int64).max
    for b in range(len(box)):
        for r in range(box[b, 3]):
            for turn in range(_turns(axes[b])):
                at = _at(axes[b], turn)
                for byte in range(box[b, 1] + at, box[b, 1] + at + box[b, 2]):
                    if cells[offset + box[b, 0] + r * lane_step + byte] > known:
                        row[5], row[6] = min(row[5], byte), max(row[6], byte + 1)
                        row[7], row[8] = min(row[7], box[b, 4] + r), max(row[8], box[b, 4] + r + 1)


@compiled
def _fill(cells: Any, box: Any, axes: Any, offset: int, lane_step: int, value: int) -> None:  # pragma: no cover
    for b in range(len(box)):
        start, length = offset + box[b, 0] + box[b, 1], box[b, 2]
        for r in range(box[b, 3]):
            for turn in range(_turns(axes[b])):
                at = _at(axes[b], turn)
                at += start + r * lane_step
                cells[at : at + length] = value


def readers(
    visits: Any, at_kind: Any, write: Any, shared: Any, skipped: Any, at_box: Any, box: Any, axes: Any,
    core_step: int, lane_step: int, owner: Any, seen: Any,
) -> None:  # fmt: skip  # pragma: no cover
    """
    Set `seen` (visits) of each visit that wrote a byte which a later one read.

    `owner` (int32, cells) is the visit that wrote each cell last, -1 before any has; operands as for `run`.
    """
    for v in range(len(visits)):
        core, kind = visits[v, 0], visits[v, 3]
        for a in range(at_kind[kind], at_kind[kind + 1]):
            if skipped[a]:
                continue
            first, last = at_box[a], at_box[a + 1]
            offset = 0 if shared[a] else core * core_step
            if write[a]:
                _fill(owner, box[first:last], axes[first:last], offset, lane_step, v)
            else:
                _see(owner, box[first:last], axes[first:last], offset, lane_step, seen)


@compiled
def _see(cells: Any, box: Any, axes: Any, offset: int, lane_step: int, seen: Any) -> None:  # pragma: no cover
    for b in range(len(box)):
        start, length = offset + box[b, 0] + box[b, 1], box[b, 2]
        for r in range(box[b, 3]):
            for turn in range(_turns(axes[b])):
                at = _at(axes[b], turn)
                at += start + r * lane_step
                for cell in range(at, at + length):
                    if cells[cell] >= 0:
                        seen[cells[cell]] = 1
