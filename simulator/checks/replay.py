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
from simulator.checks.cells import HOST, Cells, HostAccess, Whole
from simulator.checks.program import Program
from simulator.cores import Turn, Walk
from simulator.isa.table import Engine, Region
from simulator.model_file import IO, Model
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
    order: Whole
    """As `Program.order` is."""

    @property
    def empty_reads(self) -> int:
        """Reads of bytes that hold nothing."""
        return sum(hit.kind == shadow_run.UNINITIALISED for hit in self.hits)


def replay(program: Program) -> Replay:
    """Run through all accesses of a program that passed structure and bounds."""
    return _replayed(program, Cells(program), program.order)


def explained(program: Program) -> Replay:
    """
    `replay` in the order that tells most.

    A read before its write is no fault but a race, if another order that is allowed has the write first: so records
    run as soon as all that they read is there. Programs with ops of the host run in the order that these have it.
    """
    cells = Cells(program)
    found = _replayed(program, cells, program.order)
    if not found.empty_reads or program.model.host:
        return found
    again = _replayed(program, cells, _by_meaning(program, cells))
    return again if again.empty_reads < found.empty_reads else found


def _by_meaning(program: Program, cells: Cells) -> Whole:
    """An order that is allowed, in which a record waits for what it reads where there is anything else to do."""
    model, operands, walk = program.model, cells.operands(), Walk(program.model.cores)
    visits, far = cells.visits(program.order)
    rows = {(int(row[0]), int(row[1]), int(row[2]) - 1): i for i, row in enumerate(visits)}
    as_host = visits.copy()
    as_host[:, 1] = HOST
    reads_only = (*operands[:3], operands[3] | operands[1], *operands[4:])
    steps = cells.core_step, model.chip.lane_bytes, len(model.cores)
    none, empty = np.zeros((1, 1), np.int32), _empty(cells, model)
    hits, made = np.zeros((1, shadow_run.COLUMNS), np.int64), list[Turn]()

    def run(turn: Turn, accesses: tuple[Any, Any, Any, Any, Any, Any, Any]) -> int:
        i = rows[turn]
        return shadow_run.run(as_host[i : i + 1], far[i : i + 1], *accesses, *steps, none, none, empty, hits)

    while len(made) < len(visits):
        ready = [Turn(core, engine, walk.done[core][engine]) for core, engine in walk.engines(None)]
        ready = [turn for turn in ready if turn.at < walk.ends[turn.core][turn.engine] and not walk.held_by(*turn)]
        turn = next((turn for turn in ready if not run(turn, reads_only)), ready[0])
        run(turn, operands)
        walk.done[turn.core][turn.engine] += 1
        made.append(turn)
    return np.array(made, np.int64)


def _empty(cells: Cells, model: Model) -> Any:
    """1 for each cell that holds nothing before the run."""
    empty = np.ones(cells.count, np.uint8)
    for entry in model.inputs:
        empty[cells.of(entry)] = 0
    return empty


def _replayed(program: Program, cells: Cells, order: Whole) -> Replay:
    model = program.model
    (visits, far), operands = cells.visits(order), cells.operands()
    room = ROOM
    while True:
        streams = max(len(model.cores), len(Engine))
        read, written = (np.zeros((streams, cells.count), np.int32) for _ in range(2))
        empty = _empty(cells, model)
        rows = np.zeros((room, shadow_run.COLUMNS), np.int64)
        steps = cells.core_step, model.chip.lane_bytes, len(model.cores)
        found = shadow_run.run(visits, far, *operands, *steps, read, written, empty, rows)
        if found <= room:
            break
        room = found
    hits = [_hit(program, cells, visits, row) for row in rows[:found].tolist()]
    return Replay(hits, [gap for entry in model.outputs if (gap := _missing(cells, empty, entry))], order)


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
