"""Races and uninitialised reads once more, obviously: a cell for every byte, and record after record in Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod
from typing import NamedTuple

import numpy as np

from simulator.checks.finding import Finding
from simulator.checks.shadow import Cells, Shadow
from simulator.checks.walk import Access, accesses, in_lanes
from simulator.cores import messages, turns
from simulator.isa.record import decode
from simulator.isa.table import Engine, Region
from simulator.model_file import IO, Model
from simulator.subnets import HostSubnet, HostValue

SHARED = (Region.ACTIVATION, Region.IO)


class Found(NamedTuple):
    """What a finding is about: bytes of an operand of a record, its kind, and the record it conflicts with."""

    kind: str
    core: int
    engine: Engine
    record: int
    operand: str
    start: int
    stop: int
    other: int


@dataclass(frozen=True)
class Visit:
    """A record when its turn comes."""

    core: int
    engine: Engine
    number: int
    wait: int
    op: str
    accesses: tuple[Access, ...]


def visits(model: Model) -> Iterator[Visit]:
    """Every record of all streams."""
    for core, engine, i in turns(model.cores):
        command = decode(model.cores[core].of(engine)[i])
        told = tuple(in_lanes(command, access, model.chip.lanes) for access in accesses(command))
        yield Visit(core, engine, i + 1, command.wait, command.op, told)


def found_by(findings: Iterator[Finding]) -> list[Found]:
    """The same of what the chip's own checks say, in the order of records."""
    return sorted(
        Found(told.kind, told.core, told.engine, told.record, told.operand, told.start, told.stop, told.other)
        for told in findings
    )


def sizes(model: Model) -> dict[Region, int]:
    """Bytes of the global regions that are written."""
    return {Region.ACTIVATION: model.activation_bytes, Region.IO: model.io_bytes}


@dataclass(frozen=True)
class Last:
    """The last record of one stream to read and to write each byte; 0 is none."""

    read: Shadow
    written: Shadow


class Clocks:
    """For each core, how many GDMA records of every core its own GDMA knows to be complete."""

    def __init__(self, model: Model) -> None:
        cores = range(len(model.cores))
        self._messages = messages(model.cores)
        self._sent: dict[tuple[int, int], list[int]] = {}
        self.known = [[0 for _ in cores] for _ in cores]

    def enter(self, visit: Visit) -> None:
        """Note a GDMA record: a SEND tells what is known then, a WAIT learns it."""
        mine = self.known[visit.core]
        if visit.op == "SEND":
            mine[visit.core] = visit.number
            self._sent[visit.core, visit.number] = list(mine)
        elif visit.op == "WAIT" and (message := self._messages[visit.core].get(visit.number - 1)):
            mine[:] = map(max, mine, self._sent[message])


def races(model: Model) -> list[Found]:
    """Every operand, kind of conflict and other stream."""
    cores = range(len(model.cores))
    last = [[Last(*(Shadow(model.chip, sizes(model), np.int32) for _ in range(2))) for _ in Engine] for _ in cores]
    clocks, known, found = Clocks(model), [[0, 0] for _ in cores], list[Found]()
    for visit in visits(model):
        mine = known[visit.core]
        mine[visit.engine] = max(mine[visit.engine], visit.wait)
        if visit.engine == Engine.GDMA:
            clocks.enter(visit)
        near = (last[visit.core][1 - visit.engine], mine[visit.engine])
        far = [(last[core][Engine.GDMA], clocks.known[visit.core][core]) for core in cores if core != visit.core]
        for access in visit.accesses:
            if access.operand.region != Region.WEIGHT:
                others = [near] if access.operand.region == Region.LOCAL else [near, *far]
                found += _conflicts(others, visit, access)
                own = last[visit.core][visit.engine]
                for cells in (own.written if access.write else own.read).of(access.operand):
                    cells[...] = visit.number
    return sorted(found)


def _conflicts(others: Sequence[tuple[Last, int]], visit: Visit, access: Access) -> Iterator[Found]:
    for last, known in others:
        pairs = [(last.written, "WAW" if access.write else "RAW"), *([(last.read, "WAR")] if access.write else [])]
        for shadow, kind in pairs:
            latest = max(int(cells.max()) for cells in shadow.of(access.operand))
            if latest > known:
                bytes_ = shadow.extent(access.operand, lambda cells, known=known: cells > known)
                yield Found(kind, visit.core, visit.engine, visit.number, access.name, *bytes_, latest)


def uninitialised(model: Model) -> list[Found]:
    """Every operand of a record that is read too early."""
    written = Shadow(model.chip, sizes(model), np.bool_)
    seen, found = [written, *(written.beside() for _ in model.others)], list[Found]()
    for given in model.inputs:
        _given(written, given)[...] = True
    rest = visits(model)
    for part in model.parts:
        if isinstance(part, HostSubnet):
            for value in part.outputs:
                _cells(written, value)[...] = True
            continue
        records = sum(last - first for core in part.cores for first, last in core)
        for visit in islice(rest, records):
            for access in visit.accesses:
                if access.operand.region != Region.WEIGHT:
                    found += _visited(seen[visit.core], visit, access)
    return sorted(found)


def _visited(written: Shadow, visit: Visit, access: Access) -> Iterator[Found]:
    cells = written.of(access.operand)
    if access.write:
        for part in cells:
            part[...] = True
    elif not all(bool(part.all()) for part in cells):
        bytes_ = written.extent(access.operand, lambda part: ~part)
        kind = "unbound" if access.operand.region == Region.IO else "read"
        yield Found(kind, visit.core, visit.engine, visit.number, access.name, *bytes_, 0)


def _cells(written: Shadow, value: HostValue) -> Cells:
    if value.region is None or value.region not in SHARED:
        return np.empty(0, np.bool_)
    size = prod(value.shape) * value.form.numpy.itemsize
    return written.region(value.region)[value.offset : value.offset + size]


def _given(written: Shadow, io: IO) -> Cells:
    return written.region(Region.IO)[io.offset : io.offset + io.bytes]
