"""
Conflicting accesses that neither engine order nor waits nor messages between cores put in order (CHIP §2).

A record knows of the other engine of its core only what its own waits and those before say: that the first k records
are complete. With two engines this number is the whole vector clock. Cores meet in global memory alone, which only
their GDMAs touch: a GDMA knows of another what the last SENDs that it waited for knew. For each byte the last read and
the last write of either engine, or of each core, are kept: if an earlier access conflicts, so does the last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.checks.finding import Finding
from simulator.checks.shadow import Shadow
from simulator.checks.walk import Access, Visit, visits
from simulator.cores import messages
from simulator.isa.table import Engine, Region
from simulator.model_file import Model

NAME = "races"


@dataclass(frozen=True)
class _Last:
    """The last record of one stream to read and to write each byte; 0 is none."""

    read: Shadow
    written: Shadow


@dataclass(frozen=True)
class _Other:
    """Another stream: what it last did, how many of its records are known to be complete, and its name."""

    last: _Last
    known: int
    name: str


class _Clocks:
    """For each core, how many GDMA records of every core its own GDMA knows to be complete."""

    def __init__(self, model: Model) -> None:
        cores = range(len(model.cores))
        self._messages = messages(model.cores)
        self._sent: dict[tuple[int, int], list[int]] = {}
        self.known = [[0 for _ in cores] for _ in cores]

    def enter(self, visit: Visit) -> None:
        """Note a GDMA record: a SEND tells what is known then, a WAIT learns it."""
        mine = self.known[visit.core]
        if visit.command.op == "SEND":
            mine[visit.core] = visit.number
            self._sent[visit.core, visit.number] = list(mine)
        elif visit.command.op == "WAIT" and (message := self._messages[visit.core].get(visit.number - 1)):
            mine[:] = map(max, mine, self._sent[message])


def check_races(model: Model) -> Iterator[Finding]:
    """A finding for each operand and kind of conflict. The model must have passed structure and bounds."""
    sizes = {Region.ACTIVATION: model.activation_bytes, Region.IO: model.io_bytes}
    cores = range(len(model.cores))
    last = [[_Last(*(Shadow(model.chip, sizes, np.int32) for _ in range(2))) for _ in Engine] for _ in cores]
    clocks, known = _Clocks(model), [[0, 0] for _ in cores]
    for visit in visits(model):
        mine = known[visit.core]
        mine[visit.engine] = max(mine[visit.engine], visit.wait)
        if visit.engine == Engine.GDMA:
            clocks.enter(visit)
        other = Engine(1 - visit.engine)
        near = _Other(last[visit.core][other], mine[visit.engine], other.name)
        far = [
            _Other(last[core][Engine.GDMA], clocks.known[visit.core][core], f"core {core}'s GDMA")
            for core in cores
            if core != visit.core
        ]
        for access in visit.accesses:
            if access.operand.region != Region.WEIGHT:
                others = [near] if access.operand.region == Region.LOCAL else [near, *far]
                yield from _conflicts(others, visit, access)
                _note(last[visit.core][visit.engine], visit, access)


def _note(last: _Last, visit: Visit, access: Access) -> None:
    """Remember an access."""
    for cells in (last.written if access.write else last.read).of(access.operand):
        cells[...] = visit.number


def _conflicts(others: Sequence[_Other], visit: Visit, access: Access) -> Iterator[Finding]:
    for other in others:
        yield from _conflict(other.last.written, other, visit, access, "WAW" if access.write else "RAW")
        if access.write:
            yield from _conflict(other.last.read, other, visit, access, "WAR")


def _conflict(shadow: Shadow, other: _Other, visit: Visit, access: Access, kind: str) -> Iterator[Finding]:
    latest = max(int(cells.max()) for cells in shadow.of(access.operand))
    if latest <= other.known:
        return
    start, stop = shadow.extent(access.operand, lambda cells: cells > other.known)
    region = access.operand.region
    does, did = ("writes" if access.write else "reads"), ("reads" if kind == "WAR" else "writes")
    message = (
        f"{kind}: {visit.command.op} {does} {region.name} bytes {start} to {stop} ({access.name}), which {other.name} "
        f"record {latest} {did}, and no wait orders the two"
    )
    where = visit.layer, access.name, region, start, stop, latest, visit.core
    yield Finding(NAME, visit.engine, visit.number, message, *where)
