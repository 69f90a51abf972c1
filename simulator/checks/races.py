"""
Conflicting accesses of the two engines that neither engine order nor waits put in order (CHIP §2).

A record knows of the other engine only what its own waits and those before say: that the first k records are complete.
With two engines this number is the whole vector clock. For each byte the last read and the last write of either engine
are kept: if an earlier access conflicts, so does the last.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulator.checks.finding import Finding
from simulator.checks.shadow import Shadow
from simulator.checks.walk import Access, Visit, visits
from simulator.isa.table import Engine, Region
from simulator.model_file import Model

NAME = "races"


class _Last:
    """The last record of each engine to read and to write each byte; 0 is none."""

    def __init__(self, model: Model) -> None:
        sizes = {Region.ACTIVATION: model.activation_bytes, Region.IO: model.io_bytes}
        self.read = tuple(Shadow(model.chip, sizes, np.int32) for _ in Engine)
        self.written = tuple(Shadow(model.chip, sizes, np.int32) for _ in Engine)

    def note(self, visit: Visit, access: Access) -> None:
        """Remember an access."""
        shadows = self.written if access.write else self.read
        for cells in shadows[visit.engine].of(access.operand):
            cells[...] = visit.number


def check_races(model: Model) -> Iterator[Finding]:
    """A finding for each operand and kind of conflict. The model must have passed structure and bounds."""
    last = _Last(model)
    known = [0, 0]
    for visit in visits(model):
        known[visit.engine] = max(known[visit.engine], visit.wait)
        for access in visit.accesses:
            if access.operand.region != Region.WEIGHT:
                yield from _conflicts(last, visit, access, known[visit.engine])
                last.note(visit, access)


def _conflicts(last: _Last, visit: Visit, access: Access, known: int) -> Iterator[Finding]:
    other = Engine(1 - visit.engine)
    if not access.write:
        yield from _conflict(last.written[other], visit, access, known, "RAW")
    else:
        yield from _conflict(last.written[other], visit, access, known, "WAW")
        yield from _conflict(last.read[other], visit, access, known, "WAR")


def _conflict(shadow: Shadow, visit: Visit, access: Access, known: int, kind: str) -> Iterator[Finding]:
    latest = max(int(cells.max()) for cells in shadow.of(access.operand))
    if latest <= known:
        return
    start, stop = shadow.extent(access.operand, lambda cells: cells > known)
    region, other = access.operand.region, Engine(1 - visit.engine)
    does, did = ("writes" if access.write else "reads"), ("reads" if kind == "WAR" else "writes")
    yield Finding(
        NAME,
        visit.engine,
        visit.number,
        f"{kind}: {visit.command.op} {does} {region.name} bytes {start} to {stop} ({access.name}), which {other.name} "
        f"record {latest} {did}, and no wait orders the two",
        visit.layer,
        access.name,
        region,
        start,
        stop,
        latest,
    )
