"""Faults that can be put into a record stream, by name: in one operand, in a whole record, or of records themselves."""

from collections.abc import Callable, Iterator, Mapping, Sequence
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
SEND = SPECS["SEND"].code
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
    return [*_WHOLE, *_FIELDS, *_RECORDS]


def _with(model: Model, core: int, engine: Engine, records: Records) -> Model:
    cores = list(model.cores)
    own = {of: cores[core].of(of) for of in Engine} | {engine: records}
    cores[core] = Streams(own[Engine.TIU], own[Engine.GDMA])
    return replace(model, tiu=cores[0].tiu, gdma=cores[0].gdma, others=cores[1:])


def _in_record(fault: str, records: Records, i: int, random: Random) -> Records | None:
    """A fault in one record, if it has a place for it."""
    there: list[int] = np.flatnonzero(spans.used(records[i : i + 1])[0]).tolist()
    if fault in _RECORDS:
        return records if _RECORDS[fault](records[i], there, random) else None
    return records if there and _FIELDS[fault](records[i]["operands"][random.choice(there)], random) else None


def _addresses_swapped(record: Record, there: Sequence[int], random: Random) -> bool:
    if len(there) < 2:
        return False
    a, b = random.sample(there, 2)
    addresses = record["operands"]["addr"]
    addresses[a], addresses[b] = int(addresses[b]), int(addresses[a])
    return True


def _flag_dropped(record: Record, there: Sequence[int], random: Random) -> bool:
    flags = [flag for flag in Flag if int(record["flags"]) & flag]
    if flags:
        record["flags"] = int(record["flags"]) & ~random.choice(flags)
    return bool(flags)


_RECORDS: Mapping[str, Callable[[Record, Sequence[int], Random], bool]] = {
    "swap addresses": _addresses_swapped,
    "drop a flag": _flag_dropped,
}
"""Of a whole record, whose operands are in the slots given; whether it has changed."""


def _moved(by: int) -> Callable[[Record, Random], bool]:
    """An operand that lies so many bytes before or after."""

    def move(operand: Record, random: Random) -> bool:
        at = int(operand["addr"]) + random.choice((-by, by))
        operand["addr"] = max(at, 0)
        return at >= 0

    return move


def _resized(field: str, by: int) -> Callable[[Record, Random], bool]:
    """An extent other by so much, or a stride by so many elements, of an axis with more than one index."""

    def resize(operand: Record, random: Random) -> bool:
        step = by * (DType(int(operand["dtype"])).itemsize if field == "strides" else 1)
        axes = [axis for axis in range(4) if operand["dims"][axis] > 1]
        if not axes:
            return False
        axis = random.choice(axes)
        operand[field][axis] = int(operand[field][axis]) + step
        return True

    return resize


def _in_next_lane(operand: Record, random: Random) -> bool:
    operand["lane"] = int(operand["lane"]) + 1
    return bool(operand["region"] == Region.LOCAL)


def _of_other_type(operand: Record, random: Random) -> bool:
    operand["dtype"] = OTHER_TYPES[int(operand["dtype"])]
    return True


def _in_other_region(operand: Record, random: Random) -> bool:
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
    "next lane": _in_next_lane,
    "other type": _of_other_type,
    "other region": _in_other_region,
}
"""Of one operand; whether it has changed."""


def _swapped(records: Records, i: int, engine: Engine) -> Records | None:
    """Two neighbours in each other's place, neither of them the end."""
    if i + 2 >= len(records):
        return None
    records[[i, i + 1]] = records[[i + 1, i]]
    return records


def _idled(picked: Callable[[int], bool]) -> Callable[[Records, int, Engine], Records | None]:
    """In place of a record whose op code is picked, one that only waits; the numbers of the others stay."""

    def idle(records: Records, i: int, engine: Engine) -> Records | None:
        if not picked(int(records["op"][i])):
            return None
        waits = replace(IDLE[engine], wait=int(records["wait"][i]), tag=int(records["tag"][i]))
        records[i] = encode([waits])[0]
        return records

    return idle


_WHOLE: Mapping[str, Callable[[Records, int, Engine], Records | None]] = {
    "swap neighbours": _swapped,
    "delete a record": _idled(lambda code: code not in (*ENDS, SEND, SPECS["WAIT"].code)),
    "drop a SEND": _idled(lambda code: code == SEND),
    "drop an end": _idled(lambda code: code in ENDS),
}
"""Of a stream, at a record's place; None where that has no such fault."""
