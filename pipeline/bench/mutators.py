"""Faults that can be put into a record stream, by name; each but those of whole records changes one field of one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np

from simulator import spans
from simulator.cores import Streams
from simulator.isa.record import Command, Records, encode
from simulator.isa.table import SPECS, DType, Engine, Flag, Region
from simulator.model_file import Model

Record = Any
"""One of `Records`, as a view."""

ENDS = tuple(SPECS[op].code for op in ("END", "DMA_END"))
IDLE: Mapping[Engine, Command] = {Engine.TIU: Command("NOP"), Engine.GDMA: Command("WAIT")}
"""What does nothing but wait; a WAIT for no message."""

OTHER_TYPES: Mapping[int, int] = {
    DType.I8: DType.U8, DType.U8: DType.I8, DType.I32: DType.F32, DType.F32: DType.I32, DType.BF16: DType.F16,
    DType.F16: DType.BF16,
}  # fmt: skip
"""Another type of the same width."""


def mutants(model: Model, fault: str, random: Random) -> Iterator[Model]:
    """The program with one fault of a kind somewhere, again and again; none if it has no place for it."""
    places = [
        (core, engine, i)
        for core, streams in enumerate(model.cores)
        for engine in Engine
        for i in range(len(streams.of(engine)))
    ]
    random.shuffle(places)
    for core, engine, i in places:
        records = model.cores[core].of(engine).copy()
        changed = _WHOLE[fault](records, i, engine) if fault in _WHOLE else _in_record(fault, records, i, random)
        if changed is not None and changed.tobytes() != model.cores[core].of(engine).tobytes():
            yield _with(model, core, engine, changed)


def faults() -> list[str]:
    """The names of all kinds."""
    return [*_WHOLE, *_FIELDS, "swap addresses", "drop a flag"]


def _with(model: Model, core: int, engine: Engine, records: Records) -> Model:
    cores = list(model.cores)
    own = {of: cores[core].of(of) for of in Engine} | {engine: records}
    cores[core] = Streams(own[Engine.TIU], own[Engine.GDMA])
    return replace(model, tiu=cores[0].tiu, gdma=cores[0].gdma, others=cores[1:])


def _in_record(fault: str, records: Records, i: int, random: Random) -> Records | None:
    """A fault in a field of one record, if it has such a field."""
    record = records[i]
    there = np.flatnonzero(spans.used(records[i : i + 1])[0]).tolist()
    if fault == "swap addresses":
        if len(there) < 2:
            return None
        a, b = random.sample(there, 2)
        addresses = record["operands"]["addr"]
        addresses[a], addresses[b] = int(addresses[b]), int(addresses[a])
        return records
    if fault == "drop a flag":
        flags = [flag for flag in Flag if int(record["flags"]) & flag]
        if not flags:
            return None
        record["flags"] = int(record["flags"]) & ~random.choice(flags)
        return records
    if not there:
        return None
    return records if _FIELDS[fault](record["operands"][random.choice(there)], random) else None


def _moved(by: int) -> Callable[[Record, Random], bool]:
    def move(operand: Record, random: Random) -> bool:
        at = int(operand["addr"]) + random.choice((-by, by))
        operand["addr"] = max(at, 0)
        return at >= 0

    return move


def _resized(field: str, by: int) -> Callable[[Record, Random], bool]:
    def resize(operand: Record, random: Random) -> bool:
        step = by * (DType(int(operand["dtype"])).itemsize if field == "strides" else 1)
        axes = [axis for axis in range(4) if operand["dims"][axis] > 1]
        if not axes:
            return False
        axis = random.choice(axes)
        operand[field][axis] = int(operand[field][axis]) + step
        return True

    return resize


def _retargeted(operand: Record, random: Random) -> bool:
    operand["lane"] = int(operand["lane"]) + 1
    return bool(operand["region"] == Region.LOCAL)


def _retyped(operand: Record, random: Random) -> bool:
    operand["dtype"] = OTHER_TYPES[int(operand["dtype"])]
    return True


def _elsewhere(operand: Record, random: Random) -> bool:
    regions = [region for region in Region if region != operand["region"]]
    operand["region"] = random.choice(regions)
    return True


_FIELDS: Mapping[str, Callable[[Record, Random], bool]] = {
    "address by 1": _moved(1),
    "address by 64": _moved(64),
    "shrink an extent": _resized("dims", -1),
    "grow an extent": _resized("dims", 1),
    "shrink a stride": _resized("strides", -1),
    "grow a stride": _resized("strides", 1),
    "next lane": _retargeted,
    "other type": _retyped,
    "other region": _elsewhere,
}


def _swapped(records: Records, i: int, engine: Engine) -> Records | None:
    """Two neighbours in each other's place, neither of them the end."""
    if i + 2 >= len(records):
        return None
    records[[i, i + 1]] = records[[i + 1, i]]
    return records


def _deleted(records: Records, i: int, engine: Engine) -> Records | None:
    """A record that only waits in place of one; the numbers of the others stay."""
    if records["op"][i] in (*ENDS, SPECS["SEND"].code, SPECS["WAIT"].code):
        return None
    wait = int(records["wait"][i])
    records[i] = encode([replace(IDLE[engine], wait=wait, tag=int(records["tag"][i]))])[0]
    return records


def _unsent(records: Records, i: int, engine: Engine) -> Records | None:
    if records["op"][i] != SPECS["SEND"].code:
        return None
    records[i] = encode([replace(IDLE[engine], wait=int(records["wait"][i]))])[0]
    return records


def _unended(records: Records, i: int, engine: Engine) -> Records | None:
    if records["op"][i] not in ENDS:
        return None
    records[i] = encode([replace(IDLE[engine], wait=int(records["wait"][i]))])[0]
    return records


_WHOLE: Mapping[str, Callable[[Records, int, Engine], Records | None]] = {
    "swap neighbours": _swapped,
    "delete a record": _deleted,
    "drop a SEND": _unsent,
    "drop an end": _unended,
}
