"""The chip, functionally: both record streams run to the bit, without time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from simulator.events import distinct, order
from simulator.execute.site import IllegalRecord, Site
from simulator.execute.table import STEPS, Step
from simulator.isa.record import Records, decode
from simulator.isa.table import SPECS, Engine
from simulator.memory import Memory

Observer = Callable[[Engine, int], None]
"""Told engine and 1-based number of each record as soon as it is done."""

LAST = {Engine.TIU: "END", Engine.GDMA: "DMA_END"}
"""The op that must end each engine's stream, and stand nowhere else."""


class Machine:
    """
    A chip with memory and two streams, made ready once and run many times.

    Records run one at a time, in an order that keeps each engine's own and the waits: the TIU's for as long as it need
    not wait, then the GDMA's.
    """

    def __init__(self, memory: Memory, tiu: Records, gdma: Records) -> None:
        """Check and prepare every record. Raises IllegalRecord, Deadlock."""
        self.memory = memory
        steps = {Engine.TIU: prepare(Engine.TIU, tiu, memory), Engine.GDMA: prepare(Engine.GDMA, gdma, memory)}
        self._order = order(tiu["wait"].tolist(), gdma["wait"].tolist())
        self._steps = [steps[engine][i] for engine, i in self._order]

    def run(self, observer: Observer | None = None) -> None:
        """Run every record on memory as it is. Raises IllegalRecord where data and record don't go together."""
        for (engine, i), step in zip(self._order, self._steps, strict=True):
            try:
                step()
            except ValueError as error:
                raise IllegalRecord(engine, i + 1, "data", str(error)) from error
            if observer is not None:
                observer(engine, i + 1)


def prepare(engine: Engine, records: Records, memory: Memory) -> list[Step]:
    """The steps of a stream, every record checked. Raises IllegalRecord."""
    if not len(records):
        raise IllegalRecord(engine, 0, "op", f"the stream is empty, without even {LAST[engine]}")
    ends = np.flatnonzero(records["op"] == SPECS[LAST[engine]].code).tolist()
    if ends != [len(records) - 1]:
        number = ends[0] + 1 if ends else len(records)
        raise IllegalRecord(engine, number, "op", f"{LAST[engine]} must be last, and only there")
    kinds, kind = distinct(records, addresses=True)
    steps: dict[int, Step] = {}
    for number, i in enumerate(kind.tolist(), 1):
        if i not in steps:
            steps[i] = _step(engine, number, kinds[i], memory)
    return [steps[i] for i in kind.tolist()]


def _step(engine: Engine, number: int, record: Any, memory: Memory) -> Step:
    try:
        command = decode(record)
    except ValueError as error:
        raise IllegalRecord(engine, number, "op, function or operand", str(error)) from error
    if command.engine != engine:
        raise IllegalRecord(engine, number, "op", f"{command.op} is one of the {command.engine.name}'s")
    return STEPS[command.op](Site(command, number, memory))
