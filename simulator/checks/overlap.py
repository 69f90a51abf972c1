"""
No record overwrites what it still reads.

An element unit reads and writes word by word, so an elementwise op may put its result exactly where an operand lies. A
result that lies there in any other way, or belongs to an op that reads its operands more than once, may not.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulator.checks.finding import Finding
from simulator.checks.shadow import Shadow
from simulator.checks.walk import Access, Visit, visits
from simulator.isa.table import Region
from simulator.model_file import Model

NAME = "overlap"

IN_PLACE = ("ARITH", "LUT", "RESCALE_ADD", "RESCALE_MUL", "CAST", "COPY")
"""Ops that read an element only to make the one in its place."""


def check_overlap(model: Model) -> Iterator[Finding]:
    """A finding for each operand a record writes over. The model must have passed structure and bounds."""
    shadow = Shadow(model.chip, {}, np.bool_)
    clean: set[tuple[Access, ...]] = set()
    for visit in visits(model):
        if visit.accesses not in clean:
            found = list(_overlaps(shadow, visit))
            yield from found
            if not found:
                clean.add(visit.accesses)


def _overlaps(shadow: Shadow, visit: Visit) -> Iterator[Finding]:
    local = [access for access in visit.accesses if access.operand.region == Region.LOCAL]
    for made in (access for access in local if access.write):
        for part in shadow.of(made.operand):
            part[...] = True
        for read in (access for access in local if not access.write and not _in_place(visit, access, made)):
            if any(bool(part.any()) for part in shadow.of(read.operand)):
                start, stop = shadow.extent(read.operand, lambda part: part)
                message = f"{visit.command.op} writes {made.name} over bytes {start} to {stop} of {read.name}"
                named = message, visit.layer, read.name
                yield Finding(NAME, visit.engine, visit.number, *named, Region.LOCAL, start, stop, core=visit.core)
        for part in shadow.of(made.operand):
            part[...] = False


def _in_place(visit: Visit, read: Access, made: Access) -> bool:
    """Whether each element of the result lies where the operand's element that it is made of lies."""
    if read.name == made.name:
        return True
    a, b = read.operand, made.operand
    same = (a.addr, a.lane, a.dims, a.strides, a.dtype.itemsize) == (
        b.addr,
        b.lane,
        b.dims,
        b.strides,
        b.dtype.itemsize,
    )
    return same and visit.command.op in IN_PLACE and read.name != "table"
