"""A program's records in an order that engines, waits and cores allow, each with what it reads and writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from simulator.cores import Turn, turns
from simulator.isa.distinct import distinct
from simulator.isa.record import Command, Operand, Records, decode
from simulator.isa.table import Engine, Flag
from simulator.model_file import Model

TABLES: Mapping[str, str] = {"LUT": "table", "POOL": "params", "RESAMPLE": "table"}
"""By op, the operand of one channel that every lane of the result reads from its own memory."""


@dataclass(frozen=True, slots=True)
class Access:
    """An operand, by its name in the table, that a record reads or writes."""

    name: str
    operand: Operand
    write: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """A record of a core when its turn comes; `command` has neither wait nor tag, `number` counts from 1."""

    core: int
    engine: Engine
    number: int
    wait: int
    layer: str
    command: Command
    accesses: tuple[Access, ...]


def accesses(command: Command) -> tuple[Access, ...]:
    """What a command reads, then what it writes. An accumulator can be both."""
    flags = command.flags
    unread = {
        "out": command.op != "SCATTER",
        "acc": Flag.ACC_IN not in flags,
        "a": Flag.SCALAR_A in flags,
        "b": Flag.SCALAR_B in flags,
    }
    present = {name: operand for name, operand in command.operands.items() if operand is not None}
    result = "acc" if Flag.ACC_OUT in flags else "out"
    reads = [Access(name, operand, False) for name, operand in present.items() if not unread.get(name, False)]
    writes = [Access(name, operand, True) for name, operand in present.items() if name == result]
    return (*reads, *writes)


def in_lanes(command: Command, access: Access, lanes: int) -> Access:
    """The access as it happens in each lane: a table is read in as many as its result has, from the same address."""
    made = command.operands.get("out")
    if access.name != TABLES.get(command.op) or made is None:
        return access
    (n, _, h, w), (sn, _, sh, sw) = access.operand.dims, access.operand.strides
    every = replace(access.operand, dims=(n, min(lanes, made.dims[1]), h, w), strides=(sn, 0, sh, sw), lane=made.lane)
    return replace(access, operand=every)


def visits(model: Model, order: Iterable[Turn] | None = None) -> Iterator[Visit]:
    """Every record of all streams, in `order` if it is given. Raises order.Deadlock, ValueError."""
    decoded = [{engine: _Decoded(core.of(engine)) for engine in Engine} for core in model.cores]
    for core, engine, i in turns(model.cores) if order is None else order:
        stream = decoded[core][engine]
        kind, tag = stream.kind[i], stream.tags[i]
        layer = model.layers[tag] if tag < len(model.layers) else ""
        yield Visit(core, engine, i + 1, stream.waits[i], layer, stream.commands[kind], stream.accesses[kind])


class _Decoded:
    """The different commands of a stream, decoded once, and which of them each record is."""

    def __init__(self, records: Records) -> None:
        kinds, kind = distinct(records, addresses=True)
        self.commands = [decode(record) for record in kinds]
        self.accesses = [accesses(command) for command in self.commands]
        self.kind: list[int] = np.asarray(kind).tolist()
        self.waits: list[int] = records["wait"].tolist()
        self.tags: list[int] = records["tag"].tolist()
