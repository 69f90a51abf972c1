"""The kinds that are drawn are just those that the engine takes: no combination of types and flags is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest

from simulator.chip import CHIPS
from simulator.execute.site import IllegalRecord, Site
from simulator.execute.table import prepared
from simulator.isa.record import Command, Operand
from simulator.isa.table import SPECS, DType, Flag, Region
from simulator.layout import Frame
from simulator.memory import Memory
from tests.simulator.oracle.drawing.kind import FLOATS, PLAIN
from tests.simulator.oracle.drawing.table import DRAWINGS, KINDS

Types = tuple[tuple[str, DType], ...]
Shape = tuple[DType, Frame] | None

ONE: Frame = (1, 1, 1, 1)
BESIDE: Mapping[str, Sequence[Shape]] = {
    "filter": [(kind, ONE) for kind in (*FLOATS, DType.I8)],
    "params": [None, (DType.F32, ONE), (DType.I32, (1, 1, 1, 3))],
    "acc": [None, (DType.F32, ONE), (DType.I32, ONE)],
    "table": [(kind, (1, 1, 1, width)) for kind in PLAIN for width in (1, 2, 256)],
    "which": [None, (DType.U8, ONE)],
    "index": [(DType.I32, ONE)],
}
"""What the operands may be that no kind names the types of."""
FAR = {("LOAD", "in"), ("STORE", "out"), ("GATHER", "in"), ("GATHER", "index"), ("SCATTER", "in"), ("SCATTER", "index")}
PARAMS = {"kh": 1, "kw": 1, "sh": 1, "sw": 1, "dh": 1, "dw": 1, "low": 0, "high": 1, "scale": 1, "count": 1, "axis": 2}

UNDRAWN = {("out",), ("out", "a")}
"""Operands to try with flags that no kind of the function has: those of ARITH, since no other op has such."""


@cache
def memory() -> Memory:
    return Memory(replace(CHIPS["e8"], lane_bytes=4096), np.zeros(4096, np.uint8), 4096, 4096)


def operand(op: str, name: str, shape: Shape) -> Operand | None:
    if shape is None:
        return None
    region = Region.WEIGHT if op == "UNPACK" and name == "in" else Region.IO if (op, name) in FAR else Region.LOCAL
    (kind, dims), place = shape, 1024 * SPECS[op].operands.index(name) % 4096
    return Operand(place, kind, dims, (4, 4, 4, kind.itemsize), region)


def is_taken(op: str, function: str, flags: Flag, types: Types) -> bool:
    """Whether the engine takes a command with such operands, whatever the others are."""
    beside = [name for name in SPECS[op].operands if name in BESIDE]
    params = {p.name: PARAMS.get(p.name, 0) for p in SPECS[op].params}
    for shapes in product(*(BESIDE[name] for name in beside)):
        named: list[tuple[str, Shape]] = [(name, (kind, ONE)) for name, kind in types]
        operands = {name: operand(op, name, shape) for name, shape in (*named, *zip(beside, shapes, strict=True))}
        try:
            prepared(Site(Command(op, operands, params, function, flags), 1, memory(), {}))
        except IllegalRecord:
            continue
        return True
    return False


def every_flag(op: str) -> Iterator[Flag]:
    """Every combination of the flags that an op may have."""
    single = [flag for flag in Flag if flag and flag in SPECS[op].flags]
    for chosen in product((False, True), repeat=len(single)):
        yield Flag(sum(flag for flag, there in zip(single, chosen, strict=True) if there))


@pytest.mark.parametrize("op", list(DRAWINGS))
def test_every_combination_that_the_engine_takes_is_drawn(op: str) -> None:
    drawn = {(kind.function, kind.flags, kind.types) for kind in KINDS if kind.op == op}
    taken = set[tuple[str, Flag, Types]]()
    for function, flags in product(SPECS[op].functions or ("",), every_flag(op)):
        forms = {tuple(name for name, _ in types) for f, g, types in drawn if (f, g) == (function, flags)}
        for names in forms or UNDRAWN:
            for kinds in product(PLAIN, repeat=len(names)):
                types = tuple(zip(names, kinds, strict=True))
                if is_taken(op, function, flags, types):
                    taken.add((function, flags, types))
    assert taken == drawn
