"""The chip of a debugged run: its memories with feeds in place, single records run on them, and copies of it all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simulator import host
from simulator.debugger.order import Hosted, Moment
from simulator.debugger.program import Program
from simulator.device import Device
from simulator.execute.site import IllegalRecord, Site
from simulator.execute.table import Step, prepared
from simulator.host import Feeds
from simulator.host_ops import Held, HostOp
from simulator.isa.table import Engine, Region
from simulator.machine import Watch
from simulator.memory import Bytes, Memory


@dataclass(frozen=True)
class Snapshot:
    """All that a run has changed so far: each core's lanes, the global regions that are written, the host's tensors."""

    lanes: tuple[Bytes, ...]
    regions: Mapping[Region, Bytes]
    held: Held

    @property
    def bytes(self) -> int:
        """What it takes to keep."""
        return sum(held.nbytes for held in (*self.lanes, *self.regions.values()))


class State:
    """
    Memories, and the steps of records on them, made when their turn comes.

    Unlike PyRuntime's, a step reads every operand where the record says: what a user has put there counts.
    """

    def __init__(self, program: Program, feeds: Feeds) -> None:
        """Raises host.BadFeed, DamagedModel."""
        self._program = program
        self._stored = host.one_batch(program.model.inputs, feeds, "a debugged run")
        self._steps: dict[tuple[int, Engine, int] | Moment, Step] = {}
        self._watched: Callable[[Sequence[Memory]], Watch] | None = None
        self._watch: Watch | None = None
        self.owns_weights = False
        """Whether weights are a copy; else they are the model's own."""
        self._load(None)

    @property
    def memories(self) -> Sequence[Memory]:
        """Each core's."""
        return self._device.memories

    def begin(self) -> None:
        """Poisoned memories with the feeds in their places."""
        self._device.poison()
        if self.owns_weights:
            np.copyto(self.memories[0].regions[Region.WEIGHT], self._program.model.weights)
        self.held = self._device.feed(self._stored)

    def run(self, moment: Moment) -> None:
        """Run a record, or an op of the host. Raises IllegalRecord, HostFault."""
        self._step(moment)()

    def snapshot(self) -> Snapshot:
        """A copy of everything as it is."""
        kept = self.memories[0].regions
        regions = {region: kept[region].copy() for region in (Region.ACTIVATION, Region.IO)}
        return Snapshot(tuple(memory.lanes.copy() for memory in self.memories), regions, Held(self.held))

    def restore(self, snapshot: Snapshot) -> None:
        """Everything as it was."""
        for memory, lanes in zip(self.memories, snapshot.lanes, strict=True):
            np.copyto(memory.lanes, lanes)
        for region, held in snapshot.regions.items():
            np.copyto(self.memories[0].regions[region], held)
        self.held = Held(snapshot.held)

    def own_weights(self) -> None:
        """Have a copy of the weights, which may then be written; memories begin anew."""
        self.owns_weights = True
        self._load(self._program.model.weights.copy())

    def watch(self, made: Callable[[Sequence[Memory]], Watch]) -> None:
        """Have what `made` makes for the cores' memories look at each record's step from now on."""
        self._watched = made
        self._watch = made(self.memories)
        self._steps.clear()

    def _load(self, weights: Bytes | None) -> None:
        self._device = Device(self._program.model, weights)
        self._steps.clear()
        if self._watched is not None:
            self._watch = self._watched(self.memories)
        self.begin()

    def _step(self, moment: Moment) -> Step:
        if isinstance(moment, Hosted):
            if moment not in self._steps:
                op = HostOp(self._program.hosted(moment), self.memories[0])
                self._steps[moment] = lambda: op.run(self.held)
            return self._steps[moment]
        try:
            kind, command = self._program.kind(moment)
        except ValueError as error:
            raise IllegalRecord(moment.engine, moment.at + 1, "op, function or operand", str(error)) from error
        key = (moment.core, moment.engine, kind) if self._watch is None else moment
        if key not in self._steps:
            if command.engine != moment.engine:
                why = f"{command.op} is one of the {command.engine.name}'s"
                raise IllegalRecord(moment.engine, moment.at + 1, "op", why)
            step = prepared(Site(command, moment.at + 1, self.memories[moment.core], {}))
            self._steps[key] = step if self._watch is None else self._watch(moment, command, step)
        return self._steps[key]
