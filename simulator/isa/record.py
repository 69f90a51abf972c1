"""Records: a typed command for people and programs, and its 256 bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.isa.table import BY_CODE, SPECS, DType, Engine, Flag, Param, Region
from simulator.layout import Frame, Strides

OPERANDS = 5

OPERAND = np.dtype(
    [
        ("addr", "<u4"),
        ("lane", "u1"),
        ("dtype", "u1"),
        ("region", "u1"),
        ("pad", "u1"),
        ("dims", "<u4", 4),
        ("strides", "<i4", 4),
    ]
)
RECORD = np.dtype(
    [
        ("op", "u1"), ("function", "u1"), ("flags", "<u2"), ("wait", "<u4"), ("tag", "<u4"), ("reserved", "<u4"),
        ("operands", OPERAND, OPERANDS), ("u", "<u2", 10), ("lo", "<f4"), ("hi", "<f4"), ("i", "<i4", 3),
    ]
)  # fmt: skip
assert RECORD.itemsize == 256

_SLOTS = struct.Struct("<BBHIII" + "IBBBB4I4i" * OPERANDS + "10H2f3i")
"""The same 256 bytes as plain numbers, which is how one record is read fastest."""

_OPERAND_AT = range(6, 6 + 13 * OPERANDS, 13)
_PARAM_AT = {
    name: 6 + 13 * OPERANDS + i for i, name in enumerate([*(f"u{i}" for i in range(10)), "lo", "hi", "i0", "i1", "i2"])
}
assert _SLOTS.size == RECORD.itemsize
_EMPTY = (*(0,) * 6, *(0, 0, int(DType.NONE), *(0,) * 10) * OPERANDS, *(0,) * 15)

Records = NDArray[Any]
"""An array of `RECORD`."""


@dataclass(frozen=True, slots=True)
class Operand:
    """
    A tensor in memory: `dims` (n, c, h, w).

    Local: `strides` are bytes in a lane, of n, of depth (channels counted from `lane`, ÷ lanes), h and w. Global:
    bytes from one index to the next, of n, c, h and w. Stride 0 repeats.
    """

    addr: int
    dtype: DType
    dims: Frame
    strides: Strides
    region: Region = Region.LOCAL
    lane: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """One instruction, by the names of the table. An operand that isn't there is None or left out."""

    op: str
    operands: Mapping[str, Operand | None] = field(default_factory=dict[str, Operand | None])
    params: Mapping[str, float] = field(default_factory=dict[str, float])
    function: str = ""
    flags: Flag = Flag.NONE
    wait: int = 0
    tag: int = 0

    @property
    def engine(self) -> Engine:
        """The engine that runs it."""
        return SPECS[self.op].engine


def encode(commands: Iterable[Command]) -> Records:
    """The records of commands. Raises ValueError for a name that the op lacks, OverflowError for a number too large."""
    return np.frombuffer(bytearray().join(map(_packed, commands)), RECORD)


def decode(record: Any) -> Command:
    """The command of one record. Raises ValueError for an op code or function that isn't in the table."""
    slots: tuple[Any, ...] = _SLOTS.unpack(record.tobytes())
    code, function, flags, wait, tag = (int(slot) for slot in slots[:5])
    if code not in BY_CODE:
        raise ValueError(f"no op has code {code}")
    spec = SPECS[BY_CODE[code]]
    if function >= max(len(spec.functions), 1):
        raise ValueError(f"{BY_CODE[code]} has no function {function}")
    operands = {name: _operand(slots[at : at + 13]) for name, at in zip(spec.operands, _OPERAND_AT, strict=False)}
    params = {p.name: _get(slots, p.slot, p.kind) for p in spec.params}
    named = spec.functions[function] if spec.functions else ""
    return Command(BY_CODE[code], operands, params, named, _flags(flags), wait, tag)


@cache
def _dtype(code: int) -> DType:
    return DType(code)


@cache
def _region(code: int) -> Region:
    return Region(code)


@cache
def _flags(bits: int) -> Flag:
    return Flag(bits)


def _packed(command: Command) -> bytes:
    spec = SPECS[command.op]
    if unknown := (command.operands.keys() - set(spec.operands)) | (
        command.params.keys() - {p.name for p in spec.params}
    ):
        raise ValueError(f"{command.op} has no {', '.join(sorted(unknown))}")
    slots: list[float] = [*_EMPTY]
    slots[:5] = spec.code, 0, int(command.flags), command.wait, command.tag
    if spec.functions:
        slots[1] = spec.functions.index(command.function)
    for name, at in zip(spec.operands, _OPERAND_AT, strict=False):
        if (it := command.operands.get(name)) is not None:
            slots[at : at + 13] = it.addr, it.lane, int(it.dtype), int(it.region), 0, *it.dims, *it.strides
    for p in spec.params:
        slots[_PARAM_AT[p.slot]] = _slot(p, command.params.get(p.name, 0))
    try:
        return _SLOTS.pack(*slots)
    except struct.error as error:
        raise OverflowError(f"{command.op}: a number doesn't fit its slot: {error}") from error


def _slot(param: Param, value: float) -> float:
    if param.kind == "f32":
        return float(np.float32(value))
    return int(value) & 0xFFFF if param.kind == "i16" and -0x8000 <= value < 0x8000 else int(value)


def _operand(slots: tuple[Any, ...]) -> Operand | None:
    addr, lane, dtype, region, _, n, c, h, w, sn, sc, sh, sw = slots
    if dtype == DType.NONE:
        return None
    return Operand(addr, _dtype(dtype), (n, c, h, w), (sn, sc, sh, sw), _region(region), lane)


def _get(slots: tuple[Any, ...], slot: str, kind: str) -> float:
    value = slots[_PARAM_AT[slot]]
    return value - 0x10000 if kind == "i16" and value >= 0x8000 else value
