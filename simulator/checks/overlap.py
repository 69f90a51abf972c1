"""
No record overwrites what it still reads.

An element unit reads and writes word by word, so an elementwise op may put its result exactly where an operand lies. A
result that lies there in any other way, or belongs to an op that reads its operands more than once, may not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simulator import spans
from simulator.checks import report
from simulator.checks.finding import Finding
from simulator.checks.program import Program
from simulator.checks.shadow import Shadow
from simulator.checks.walk import Access, accesses, in_lanes
from simulator.chip import Chip
from simulator.isa.record import Command
from simulator.isa.table import Region
from simulator.timing import span

NAME = "overlap"

IN_PLACE = ("ARITH", "LUT", "RESCALE_ADD", "RESCALE_MUL", "CAST", "COPY")
"""Ops that read an element only to make the one in its place."""


def overlap(program: Program) -> Iterator[Finding]:
    """A finding for each operand a record writes over. The program must have passed bounds."""
    for kind in np.flatnonzero(_suspects(program)).tolist():
        command = program.command(kind)
        for made, read, start, stop in _overlaps(command, program.model.chip):
            message = f"{command.op} writes {made} over bytes {start} to {stop} of {read}"
            for where in program.records(kind):
                found = report.at_record(program, NAME, where, message, "overlap")
                yield replace(found, operand=read, region=Region.LOCAL, start=start, stop=stop)


def _suspects(program: Program) -> NDArray[np.bool_]:
    """The kinds in which the bytes from the first to the last of a result, and of an operand, in any lane, meet."""
    kinds, chip = program.kinds, program.model.chip
    found = program.accesses
    held = kinds.copy()
    held["operands"][found.kind, found.slot] = found.held
    extents, writes = spans.local_spans(held, chip), spans.written(kinds)
    first, stop = extents[..., 0], extents[..., 1]
    made = np.where(writes, first, -1).max(1), np.where(writes, stop, -1).max(1)
    meets = (first < made[1][:, None]) & (made[0][:, None] < stop) & ~writes
    return meets.any(1)


def _overlaps(command: Command, chip: Chip) -> Iterator[tuple[str, str, int, int]]:
    """The names of a result and of an operand that it is written over, and which bytes of the operand."""
    told = [in_lanes(command, access, chip.lanes) for access in accesses(command)]
    local = [access for access in told if access.operand.region == Region.LOCAL]
    for made in (access for access in local if access.write):
        read = [access for access in local if not access.write and not _in_place(command, access, made)]
        near = [access for access in read if _meet(access, made, chip)]
        if not near:
            continue
        shadow = Shadow(chip, {}, np.bool_)
        for part in shadow.of(made.operand):
            part[...] = True
        for access in near:
            if any(bool(part.any()) for part in shadow.of(access.operand)):
                yield made.name, access.name, *shadow.extent(access.operand, lambda part: part)


def _meet(one: Access, other: Access, chip: Chip) -> bool:
    """Whether the bytes of a lane from the first to the last of two operands have any in common."""
    (first, last), (start, stop) = span(one.operand, chip), span(other.operand, chip)
    return first < stop and start < last


def _in_place(command: Command, read: Access, made: Access) -> bool:
    """Whether each element of the result lies where the operand's element that it is made of lies."""
    if read.name == made.name:
        return True
    ours, theirs = (
        (one.addr, one.lane, one.dims, one.strides, one.dtype.itemsize) for one in (read.operand, made.operand)
    )
    return ours == theirs and command.op in IN_PLACE and read.name != "table"
