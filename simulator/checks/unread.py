"""
Results that nobody reads: a transfer or a computation for nothing, and often a sign that what reads is wrong.

No fault: the chip's results are what they are. A program may keep what another version of it needs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulator.checks import report, shadow_run
from simulator.checks.cells import HOST, Cells
from simulator.checks.finding import Finding
from simulator.checks.program import Program
from simulator.isa.table import Engine

NAME = "unread"


def unread(program: Program) -> Iterator[Finding]:
    """A note for each record of whose result no byte is read, by a record, an op of the host or as an output."""
    cells = Cells(program)
    (visits, _), operands = cells.visits(program.order), cells.operands()
    owner, seen = np.full(cells.count, -1, np.int32), np.zeros(len(visits), np.uint8)
    steps = cells.core_step, program.model.chip.lane_bytes
    shadow_run.readers(visits, *operands, *steps, owner, seen)
    for entry in program.model.outputs:
        made = owner[cells.of(entry)]
        seen[made[made >= 0]] = 1
    writes = np.unique(program.accesses.kind[program.accesses.write])
    idle = (seen == 0) & (visits[:, 1] != HOST) & np.isin(visits[:, 3], writes)
    found: list[list[int]] = visits[idle].tolist()
    for core, engine, number, kind, _ in found:
        made = report.at_record(program, NAME, (core, Engine(engine), number), "nobody reads what it makes", NAME)
        yield report.at_write(made, program, kind)
