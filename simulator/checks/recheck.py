"""
The races check for many programs that differ from one in shorter waits alone.

Which records touch the same bytes doesn't depend on the waits, and an order of the whole program is an order of each of
the others too. So bytes are gone through once, as `races` does, and each program costs a look at what its records know.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.checks.conflicts import Needs
from simulator.checks.ordering import ordering
from simulator.checks.shadow import Shadow
from simulator.checks.walk import Access, in_lanes, visits
from simulator.cores import Streams
from simulator.isa.table import Engine, Region
from simulator.model_file import Model


class Recheck:
    """Says of a program's variants with shorter waits whether `races` has anything to find."""

    def __init__(self, model: Model) -> None:
        """Go through a program that has passed structure and bounds. Raises Deadlock."""
        cores = range(len(model.cores))
        sizes = {Region.ACTIVATION: model.activation_bytes, Region.IO: model.io_bytes}
        last = [[tuple(Shadow(model.chip, sizes, np.int32) for _ in range(2)) for _ in Engine] for _ in cores]
        near = [(np.zeros(len(core.tiu), np.int64), np.zeros(len(core.gdma), np.int64)) for core in model.cores]
        far = [np.zeros((len(core.gdma), len(cores)), np.int64) for core in model.cores]
        for visit in visits(model):
            own, at = visit.core, visit.number - 1
            told = (in_lanes(visit.command, access, model.chip.lanes) for access in visit.accesses)
            for access in (access for access in told if access.operand.region != Region.WEIGHT):
                met = _latest(last[own][1 - visit.engine], access)
                near[own][visit.engine][at] = max(near[own][visit.engine][at], met)
                if access.operand.region != Region.LOCAL:
                    for core in (core for core in cores if core != own):
                        far[own][at, core] = max(far[own][at, core], _latest(last[core][Engine.GDMA], access))
                for cells in last[own][visit.engine][access.write].of(access.operand):
                    cells[...] = visit.number
        self._needs = Needs(near, far)

    def races(self, cores: Sequence[Streams]) -> bool:
        """Whether a variant has a race."""
        return not self._needs.met(ordering(cores))


def _latest(last: Sequence[Shadow], access: Access) -> int:
    """The last record of another stream that conflicts; `last` has what it read and what it wrote."""
    read, written = last
    conflicting = (read, written) if access.write else (written,)
    return max(int(cells.max()) for shadow in conflicting for cells in shadow.of(access.operand))
