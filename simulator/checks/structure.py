"""All streams are whole: known ops of their engine, operands there, waits that can be met, an end of each subnet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.checks.finding import Finding
from simulator.cores import turns
from simulator.isa.record import Records
from simulator.isa.table import ARITHMETIC, BINARY, BY_CODE, SPECS, DType, Engine, Flag, Region, Spec
from simulator.model_file import Model
from simulator.order import Deadlock
from simulator.subnets import ChipSubnet, Range

STRUCTURE = "structure"

END: Mapping[Engine, str] = {Engine.TIU: "END", Engine.GDMA: "DMA_END"}


def check_structure(model: Model) -> Iterator[Finding]:
    """Findings of all streams; without any, every other check can read the model."""
    faulty = False
    for core, streams in enumerate(model.cores):
        chip = [part.cores[core] for part in model.parts if isinstance(part, ChipSubnet)]
        ranges = {Engine.TIU: [tiu for tiu, _ in chip], Engine.GDMA: [gdma for _, gdma in chip]}
        for engine in Engine:
            records, others = streams.of(engine), len(streams.of(Engine(1 - engine)))
            for finding in (*_stream(engine, records, others, len(model.layers)), *_subnets(engine, records, ranges)):
                faulty = True
                yield replace(finding, core=core)
    if not faulty:
        try:
            turns(model.cores)
        except Deadlock as error:
            yield Finding(STRUCTURE, error.engine, error.record, str(error), core=error.core, kind="deadlock")


def _stream(engine: Engine, records: Records, others: int, layers: int) -> Iterator[Finding]:
    """What is wrong with each record of a stream."""
    first, kind = _kinds(records)
    faults = [list(_faults(engine, record)) for record in records[first]]
    waits: list[int] = records["wait"].tolist()
    tags: list[int] = records["tag"].tolist()
    wrong = np.array([bool(of_kind) for of_kind in faults])[kind] if len(kind) else np.zeros(0, np.bool_)
    for i in np.flatnonzero(wrong | (records["wait"] > others) | (records["tag"] >= max(layers, 1))).tolist():
        for why in faults[int(kind[i])]:
            yield Finding(STRUCTURE, engine, i + 1, why)
        if waits[i] > others:
            yield Finding(
                STRUCTURE, engine, i + 1, f"waits for record {waits[i]} of {Engine(1 - engine).name}'s {others}"
            )
        if tags[i] >= max(layers, 1):
            yield Finding(STRUCTURE, engine, i + 1, f"tag {tags[i]} names none of {layers} layers")


def _kinds(records: Records) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Records that differ in op, function, flags or in types and regions of operands: the first of each, and which."""
    header = [records[name].astype(np.uint64) << shift for name, shift in (("op", 0), ("function", 8), ("flags", 16))]
    operands = [
        records["operands"][name].astype(np.uint64) << np.arange(0, 40, 8, dtype=np.uint64)
        for name in ("dtype", "region")
    ]
    words = np.stack([sum(header, start=np.uint64(0)), *(part.sum(1, dtype=np.uint64) for part in operands)], 1)
    _, first, kind = np.unique(words, axis=0, return_index=True, return_inverse=True)
    return first, kind.reshape(-1)


def _subnets(engine: Engine, records: Records, ranges: Mapping[Engine, Sequence[Range]]) -> Iterator[Finding]:
    """What is wrong with the ends of the subnets, and with what their first records wait for."""
    end = SPECS[END[engine]].code
    for (first, last), (before, _) in zip(ranges[engine], ranges[Engine(1 - engine)], strict=True):
        ends = (records["op"][first:last] == end).nonzero()[0].tolist()
        if not ends:
            where = f" in records {first + 1} to {last}" if len(ranges[engine]) > 1 else ""
            yield Finding(STRUCTURE, engine, 0, f"has no {END[engine]}{where}")
        elif first + ends[0] + 1 < last:
            left = last - first - ends[0] - 1
            yield Finding(STRUCTURE, engine, first + ends[0] + 1, f"{left} records follow the first {END[engine]}")
        if last > len(records):
            yield Finding(
                STRUCTURE, engine, 0, f"has {len(records)} records, a subnet those from {first + 1} to {last}"
            )
        elif last > first and int(records["wait"][first]) < before:
            message = f"begins a subnet but doesn't wait for the end of the one before, record {before}"
            yield Finding(STRUCTURE, engine, first + 1, message)


def _faults(engine: Engine, record: Any) -> Iterator[str]:
    """What is wrong with a record whatever its place in the stream."""
    code = int(record["op"])
    if code not in BY_CODE:
        yield f"no op has code {code}"
        return
    name, spec = BY_CODE[code], SPECS[BY_CODE[code]]
    if spec.engine != engine:
        yield f"{name} is an op of {spec.engine.name}"
    if int(record["function"]) >= max(len(spec.functions), 1):
        yield f"{name} has no function {record['function']}"
    needed = _needed(record, spec)
    for operand, slot in zip(spec.operands, record["operands"], strict=False):
        dtype, region = int(slot["dtype"]), int(slot["region"])
        if dtype not in _DTYPES or region not in _REGIONS:
            yield f"{name} {operand}: type {dtype} or region {region} isn't known"
        elif dtype == DType.NONE and operand in needed:
            yield f"{name} {operand} isn't there"


def _needed(record: Any, spec: Spec) -> set[str]:
    """The operands that a record with its function and flags can't do without."""
    flags, function = int(record["flags"]), int(record["function"])
    needed = set(spec.operands) - {"params", "acc", "which"}
    if flags & (Flag.ACC_IN | Flag.ACC_OUT):
        needed.add("acc")
    spared = {"out": Flag.ACC_OUT, "a": Flag.SCALAR_A, "b": Flag.SCALAR_B}
    needed -= {name for name, flag in spared.items() if flags & flag}
    if spec.functions == ARITHMETIC and function < len(ARITHMETIC) and ARITHMETIC[function] not in BINARY:
        needed.discard("b")
    return needed


_DTYPES = frozenset(DType)
_REGIONS = frozenset(Region)
