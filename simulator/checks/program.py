"""
A program as arrays: its different records, the order in which they run, and every operand that one reads or writes.

Programs have thousands of records that differ in little. What can be said of a record by itself is worked out once for
all that are equal, and of all operands together, without a Python object for any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from simulator import spans
from simulator.checks.boxes import Whole
from simulator.checks.walk import TABLES, Access, accesses
from simulator.chip import Chip
from simulator.cores import turns
from simulator.isa.distinct import distinct
from simulator.isa.record import OPERAND, OPERANDS, Command, Records, decode
from simulator.isa.table import SPECS, Engine, Region
from simulator.model_file import Model


@dataclass(frozen=True)
class Accesses:
    """
    Every operand that a record of some kind reads or writes: kind by kind, reads before writes.

    `kind` counts into the program's kinds, `slot` is the operand's place in the record, `held` an array of `OPERAND`.
    """

    kind: Whole
    slot: Whole
    write: NDArray[np.bool_]
    held: Records

    @property
    def region(self) -> NDArray[np.uint8]:
        """The code of each operand's region."""
        return self.held["region"]

    def first(self, kinds: int) -> Whole:
        """For each kind the first of its accesses, and after the last the number of all."""
        return np.searchsorted(self.kind, np.arange(kinds + 1)).astype(np.int64)


class Program:
    """A model that passed `structure`, prepared for the other checks."""

    def __init__(self, model: Model) -> None:
        """Raises order.Deadlock."""
        self.model = model
        found = [[distinct(core.of(engine), addresses=True) for engine in Engine] for core in model.cores]
        self.kinds: Records = np.concatenate([kinds for core in found for kinds, _ in core])
        """Records that differ, without wait and tag."""
        before = np.cumsum([0, *(len(kinds) for core in found for kinds, _ in core)])
        self._kind_of = [
            [kind + before[2 * core + engine] for engine, (_, kind) in enumerate(of_core)]
            for core, of_core in enumerate(found)
        ]
        self._commands: dict[int, Command] = {}

    @cached_property
    def order(self) -> Whole:
        """All records in an order that engines, waits and cores allow: rows of core, engine, index from 0."""
        return np.array(turns(self.model.cores), np.int64).reshape(-1, 3)

    @cached_property
    def accesses(self) -> Accesses:
        """What the kinds read and write, as it happens in each lane."""
        made = _accesses(self.kinds)
        return _in_lanes(self.kinds, made, self.model.chip)

    def kind(self, core: int, engine: int) -> NDArray[np.intp]:
        """Which kind each record of a stream is."""
        return self._kind_of[core][engine]

    def records(self, kind: int) -> list[tuple[int, Engine, int]]:
        """Core, engine and 1-based number of each record of a kind."""
        return [
            (core, engine, i + 1)
            for core, of_core in enumerate(self._kind_of)
            for engine in Engine
            for i in np.flatnonzero(of_core[engine] == kind).tolist()
        ]

    def command(self, kind: int) -> Command:
        """A kind, decoded: without wait and tag."""
        if kind not in self._commands:
            self._commands[kind] = decode(self.kinds[kind])
        return self._commands[kind]

    def access(self, number: int) -> Access:
        """One of `accesses`, as the record has it."""
        kind, slot = int(self.accesses.kind[number]), int(self.accesses.slot[number])
        command = self.command(kind)
        name = SPECS[command.op].operands[slot]
        write = bool(self.accesses.write[number])
        return next(found for found in accesses(command) if (found.name, found.write) == (name, write))

    def layer(self, core: int, engine: Engine, index: int) -> str:
        """The layer that a record's tag names."""
        tag = int(self.model.cores[core].of(engine)["tag"][index])
        return self.model.layers[tag] if tag < len(self.model.layers) else ""


def _accesses(kinds: Records) -> Accesses:
    codes = kinds["op"][:, None]
    there = spans.used(kinds) & _named()[kinds["op"]]
    scattered = there & (codes == SPECS["SCATTER"].code) & (np.arange(OPERANDS) == 0)
    read, write = (np.nonzero(mask) for mask in ((spans.read(kinds) & there) | scattered, spans.written(kinds)))
    kind, slot = (np.concatenate([a, b]) for a, b in zip(read, write, strict=True))
    order = np.argsort(kind, kind="stable")
    writes = np.arange(len(kind)) >= len(read[0])
    return Accesses(kind[order], slot[order], writes[order], kinds["operands"][kind[order], slot[order]])


def _in_lanes(kinds: Records, made: Accesses, chip: Chip) -> Accesses:
    """Tables as `walk.in_lanes` has them: read in as many lanes as the result has."""
    table = _table_slots()[kinds["op"][made.kind], made.slot]
    if not table.any():
        return made
    held, out = made.held.copy(), kinds["operands"][made.kind[table], 0]
    every = np.zeros(int(table.sum()), OPERAND)
    for field in OPERAND.names or ():
        every[field] = held[table][field]
    every["lane"] = out["lane"]
    every["dims"][:, 1] = np.minimum(out["dims"][:, 1], chip.lanes)
    every["strides"][:, 1] = 0
    held[table] = every
    return Accesses(made.kind, made.slot, made.write, held)


@cache
def _named() -> NDArray[np.bool_]:
    """By op code, the slots that hold operands."""
    made = np.zeros((256, OPERANDS), np.bool_)
    for spec in SPECS.values():
        made[spec.code, : len(spec.operands)] = True
    return made


@cache
def _table_slots() -> NDArray[np.bool_]:
    made = np.zeros((256, OPERANDS), np.bool_)
    for op, name in TABLES.items():
        made[SPECS[op].code, SPECS[op].operands.index(name)] = True
    return made


def sizes(model: Model) -> Mapping[Region, int]:
    """Bytes of each region, of a lane for the local one."""
    return {
        Region.LOCAL: model.chip.lane_bytes,
        Region.WEIGHT: len(model.weights),
        Region.ACTIVATION: model.activation_bytes,
        Region.IO: model.io_bytes,
    }
