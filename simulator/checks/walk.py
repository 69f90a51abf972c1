"""A program's records in an order that engines and waits allow, each with what it reads and writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulator.events import distinct, order
from simulator.isa.record import Command, Operand, Records, decode
from simulator.isa.table import Engine, Flag
from simulator.model_file import Model


@dataclass(frozen=True, slots=True)
class Access:
    """An operand, by its name in the table, that a record reads or writes."""

    name: str
    operand: Operand
    write: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """A record when its turn comes; `command` has neither wait nor tag, `number` counts from 1."""

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


def visits(model: Model) -> Iterator[Visit]:
    """Every record of both streams. Raises events.Deadlock."""
    decoded = [_Decoded(model.tiu), _Decoded(model.gdma)]
    waits: tuple[list[int], list[int]] = (model.tiu["wait"].tolist(), model.gdma["wait"].tolist())
    tags: tuple[list[int], list[int]] = (model.tiu["tag"].tolist(), model.gdma["tag"].tolist())
    for engine, i in order(*waits):
        kind = decoded[engine].kind[i]
        tag = tags[engine][i]
        layer = model.layers[tag] if tag < len(model.layers) else ""
        command, touched = decoded[engine].commands[kind], decoded[engine].accesses[kind]
        yield Visit(engine, i + 1, waits[engine][i], layer, command, touched)


class _Decoded:
    """The different commands of a stream, decoded once, and which of them each record is."""

    def __init__(self, records: Records) -> None:
        kinds, kind = distinct(records, addresses=True)
        self.commands = [decode(record) for record in kinds]
        self.accesses = [accesses(command) for command in self.commands]
        self.kind: list[int] = np.asarray(kind).tolist()
