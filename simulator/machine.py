"""The chip, functionally: the record streams of its cores run to the bit, without time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from simulator.constants import Constants
from simulator.cores import Streams, Turn, turns
from simulator.execute.site import IllegalRecord, Site
from simulator.execute.table import Step, prepared
from simulator.isa.distinct import distinct
from simulator.isa.record import Command, Operand, Records, decode
from simulator.isa.table import SPECS, Engine
from simulator.memory import Memory

Observer = Callable[[int, Engine, int], None]
"""Told core, engine and 1-based number of each record as soon as it is done."""

Watch = Callable[[Turn, Command, Step], Step]
"""Given a record's turn, its command without wait and tag, and its step; returns the step to run in its place."""

LAST = {Engine.TIU: "END", Engine.GDMA: "DMA_END"}
"""The op that must end each engine's stream, and stand nowhere else."""


class Machine:
    """
    A chip with its cores' memories and streams, made ready once and run many times.

    Records run one at a time, in an order that keeps each engine's own, the waits, and those of cores for each other;
    `seed` draws another such order, `order` gives one.
    """

    def __init__(
        self,
        memories: Sequence[Memory],
        cores: Sequence[Streams],
        seed: int | None = None,
        order: Sequence[Turn] | None = None,
        watch: Watch | None = None,
    ) -> None:
        """Check and prepare every record; `watch` may put another step in its place. Raises IllegalRecord, Deadlock."""
        self._turns = turns(cores, seed) if order is None else order
        streams = [{engine: _Stream(engine, core.of(engine)) for engine in Engine} for core in cores]
        constants = [Constants(memory.chip) for memory in memories]
        self._steps = [
            streams[core][engine].step(i, memories[core], constants[core]) for core, engine, i in self._turns
        ]
        if watch is not None:
            self._steps = [
                watch(turn, streams[turn.core][turn.engine].command(turn.at), step)
                for turn, step in zip(self._turns, self._steps, strict=True)
            ]

    def run(self, observer: Observer | None = None) -> None:
        """Run every record on memory as it is. Raises IllegalRecord where data and record don't go together."""
        for (core, engine, i), step in zip(self._turns, self._steps, strict=True):
            try:
                step()
            except ValueError as error:
                raise IllegalRecord(engine, i + 1, "data", str(error)) from error
            if observer is not None:
                observer(core, engine, i + 1)


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
            self._steps[key] = prepared(Site(command, index + 1, memory, read))
        return self._steps[key]

    def command(self, index: int) -> Command:
        """A record's command, of those that `step` was asked for."""
        return self._commands[self._kind[index]]

    def _decoded(self, kind: int, number: int) -> Command:
        try:
            command = decode(self._kinds[kind])
        except ValueError as error:
            raise IllegalRecord(self._engine, number, "op, function or operand", str(error)) from error
        if command.engine != self._engine:
            raise IllegalRecord(self._engine, number, "op", f"{command.op} is one of the {command.engine.name}'s")
        return command
