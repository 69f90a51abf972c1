"""The chip, functionally: both record streams run to the bit, without time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.constants import Constants
from simulator.events import distinct, order
from simulator.execute.site import IllegalRecord, Site
from simulator.execute.table import STEPS, Step
from simulator.isa.record import Command, Operand, Records, decode
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
        self._order = order(tiu["wait"].tolist(), gdma["wait"].tolist())
        streams = {Engine.TIU: _Stream(Engine.TIU, tiu), Engine.GDMA: _Stream(Engine.GDMA, gdma)}
        constants = Constants(memory.chip)
        self._steps = [streams[engine].step(i, memory, constants) for engine, i in self._order]

    def run(self, observer: Observer | None = None) -> None:
        """Run every record on memory as it is. Raises IllegalRecord where data and record don't go together."""
        for (engine, i), step in zip(self._order, self._steps, strict=True):
            try:
                step()
            except ValueError as error:
                raise IllegalRecord(engine, i + 1, "data", str(error)) from error
            if observer is not None:
                observer(engine, i + 1)


class _Stream:
    """One engine's records on the way to steps; equal records that read equal constants share one."""

    def __init__(self, engine: Engine, records: Records) -> None:
        self._engine = engine
        if not len(records):
            raise IllegalRecord(engine, 0, "op", f"the stream is empty, without even {LAST[engine]}")
        ends = np.flatnonzero(records["op"] == SPECS[LAST[engine]].code).tolist()
        if ends != [len(records) - 1]:
            number = ends[0] + 1 if ends else len(records)
            raise IllegalRecord(engine, number, "op", f"{LAST[engine]} must be last, and only there")
        self._kinds, kind = distinct(records, addresses=True)
        self._kind: list[int] = kind.tolist()
        self._commands: dict[int, Command] = {}
        self._steps: dict[tuple[int, tuple[tuple[str, Operand], ...]], Step] = {}

    def step(self, index: int, memory: Memory, constants: Constants) -> Step:
        """What the record does when its turn has come, after all those already entered in `constants`."""
        kind = self._kind[index]
        if kind not in self._commands:
            self._commands[kind] = self._decoded(kind, index + 1)
        command = self._commands[kind]
        read = constants.enter(command)
        key = (kind, tuple(read.items()))
        if key not in self._steps:
            self._steps[key] = STEPS[command.op](Site(command, index + 1, memory, read))
        return self._steps[key]

    def _decoded(self, kind: int, number: int) -> Command:
        try:
            command = decode(self._kinds[kind])
        except ValueError as error:
            raise IllegalRecord(self._engine, number, "op, function or operand", str(error)) from error
        if command.engine != self._engine:
            raise IllegalRecord(self._engine, number, "op", f"{command.op} is one of the {command.engine.name}'s")
        return command
