"""
A program's accesses replayed, in order, on shadows of all memories: who read and wrote each byte last, and whether it
holds anything.

Exact to the byte, yet cheap: lanes that every operand has all or none of have one shadow between them, and a run of
bytes is one loop of compiled code.

Races. A record knows of the other engine of its core only what its own waits and those before say: that the first k
records are complete. With two engines this number is the whole vector clock. Cores meet in global memory alone, which
only their GDMAs touch: a GDMA knows of another what the last SENDs that it waited for knew. For each byte the last read
and the last write of either engine, or of each core, are kept: if an earlier access conflicts, so does the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.checks import shadow_run
from simulator.checks.cells import Cells, HostAccess
from simulator.checks.program import Program
from simulator.isa.table import Engine, Region
from simulator.model_file import IO
from simulator.subnets import HostSubnet

ROOM = 1 << 10
"""Hits that there is room for at first."""


@dataclass(frozen=True)
class Hit:
    """
    An access at fault, of a kind that `shadow_run` numbers: bytes `start` to `stop` of its region, in `lanes`.

    `where` is the record's core, engine and 1-based number, or the host's op, whose `access` is the value; otherwise it
    counts through the program's accesses. `latest` is the record of core and engine `other` that it conflicts with.
    """

    kind: int
    where: tuple[int, Engine, int] | HostSubnet
    access: int | HostAccess
    start: int
    stop: int
    lanes: tuple[int, int]
    other: tuple[int, Engine]
    latest: int


@dataclass(frozen=True)
class Missing:
    """Bytes of an output that nothing wrote: how many, and the first and the one after the last, in the IO region."""

    output: IO
    count: int
    start: int
    stop: int


@dataclass(frozen=True)
class Replay:
    """What was found, in the order in which records run."""

    hits: Sequence[Hit]
    missing: Sequence[Missing]


def replay(program: Program) -> Replay:
    """Run through all accesses of a program that passed structure and bounds."""
    model, cells = program.model, Cells(program)
    (visits, far), operands = cells.visits(), cells.operands()
    room = ROOM
    while True:
        streams = max(len(model.cores), len(Engine))
        read, written = (np.zeros((streams, cells.count), np.int32) for _ in range(2))
        empty = np.ones(cells.count, np.uint8)
        for entry in model.inputs:
            empty[cells.of(entry)] = 0
        rows = np.zeros((room, shadow_run.COLUMNS), np.int64)
        steps = cells.core_step, model.chip.lane_bytes, len(model.cores)
        found = shadow_run.run(visits, far, *operands, *steps, read, written, empty, rows)
        if found <= room:
            break
        room = found
    hits = [_hit(program, cells, visits, row) for row in rows[:found].tolist()]
    return Replay(hits, [gap for entry in model.outputs if (gap := _missing(cells, empty, entry))])


def _hit(program: Program, cells: Cells, visits: Any, row: Sequence[int]) -> Hit:
    kind, visit, access, latest, stream, start, stop, first, last = row
    turn: list[int] = visits[visit].tolist()
    core, engine, number, op, _ = turn
    if (value := access - len(program.accesses.kind)) >= 0:
        host = program.model.host[op - len(program.kinds)]
        return Hit(kind, host, cells.host[value], start, stop, (0, 0), (0, Engine.GDMA), 0)
    where, local = (core, Engine(engine), number), program.accesses.region[access] == Region.LOCAL
    other = (core, Engine(1 - engine)) if local else (max(stream, 0), Engine.GDMA)
    lanes = (int(cells.edges[first]), int(cells.edges[last])) if local else (0, 0)
    return Hit(kind, where, access, start, stop, lanes, other, latest)


def _missing(cells: Cells, empty: Any, entry: IO) -> Missing | None:
    found = np.flatnonzero(empty[cells.of(entry)])
    if not len(found):
        return None
    return Missing(entry, len(found), entry.offset + int(found[0]), entry.offset + int(found[-1]) + 1)
