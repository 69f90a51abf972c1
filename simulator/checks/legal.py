"""Every record is one that the chip defines: types, extents, lanes, windows and parameters go together."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from simulator.checks import report
from simulator.checks.finding import Finding
from simulator.checks.program import Program, sizes
from simulator.execute.site import IllegalRecord, Site
from simulator.execute.table import prepared
from simulator.isa.distinct import distinct
from simulator.isa.record import OPERAND, RECORD, Command, Records
from simulator.isa.table import SPECS, DType
from simulator.memory import Memory
from simulator.model_file import Model

NAME = "legal"


def legal(program: Program) -> Iterator[Finding]:
    """
    A finding for each record that a session would refuse, or that has something where its op has no field.

    The program must have passed structure and bounds; then addresses alone make no record illegal, and one of those
    that differ only in these speaks for all.
    """
    _, which = distinct(program.kinds, addresses=False)
    firsts, memory = np.unique(which, return_index=True)[1].tolist(), _Blank(program.model)
    refused = {like: why for like, kind in enumerate(firsts) if (why := _refused(program.command(kind), memory))}
    for kind in np.flatnonzero(np.isin(which, list(refused))).tolist():
        yield from _told(program, kind, refused[int(which[kind])])
    astray = _astray(program.kinds)
    for kind in np.flatnonzero(astray.any(1)).tolist():
        field = _field(int(np.argmax(astray[kind])))
        yield from _told(program, kind, f"{program.command(kind).op}: {field} isn't 0, but means nothing there")


def _told(program: Program, kind: int, why: str) -> Iterator[Finding]:
    for where in program.records(kind):
        yield report.at_record(program, NAME, where, why, why)


class _Blank(Memory):
    """Memory of a model's sizes, of which no byte is ever touched."""

    def __init__(self, model: Model) -> None:
        self.chip = model.chip
        self.lanes = np.empty((model.chip.lanes, model.chip.lane_bytes), np.uint8)
        self.regions = {region: np.empty(size, np.uint8) for region, size in sizes(model).items() if region}
        self._places = {}


def _refused(command: Command, memory: Memory) -> str:
    """Why a session would refuse a record."""
    try:
        prepared(Site(command, 0, memory, {}))
    except IllegalRecord as error:
        return f"{error.field}: {error.why}"
    return ""


def _astray(kinds: Records) -> NDArray[np.bool_]:
    """The bytes of each record that are set, though the op's row in the table has nothing there, or no operand is."""
    held = np.ascontiguousarray(kinds).view(np.uint8).reshape(len(kinds), RECORD.itemsize)
    meaning, first, size = _meaning()[kinds["op"]], _offset("operands"), OPERAND.itemsize
    found = np.zeros(held.shape, np.bool_)
    for slot, dtype in enumerate(kinds["operands"]["dtype"].T):
        at, there = first + slot * size, dtype != DType.NONE
        found[:, at + _DTYPE] = there & ~meaning[:, at]
        meaning[:, at : at + size] &= there[:, None]
        meaning[:, at + _DTYPE] = True
    return found | ((held != 0) & ~meaning)


@cache
def _meaning() -> NDArray[np.bool_]:
    """By op code, the bytes of a record that the op's row in the table gives a meaning."""
    made = np.zeros((256, RECORD.itemsize), np.bool_)
    made[:, : _offset("reserved")] = True
    for spec in SPECS.values():
        for slot in range(len(spec.operands)):
            at = _offset("operands") + slot * OPERAND.itemsize
            made[spec.code, at : at + OPERAND.itemsize] = True
            made[spec.code, at + int((OPERAND.fields or {})["pad"][1])] = False
        for param in spec.params:
            field = param.slot if param.slot in ("lo", "hi") else param.slot[0]
            size = 2 if field == "u" else 4
            at = _offset(field) + (0 if field == param.slot else size * int(param.slot[1:]))
            made[spec.code, at : at + size] = True
    return made


def _offset(field: str) -> int:
    return next(int(at) for name, (_, at, *_) in (RECORD.fields or {}).items() if name == field)


_DTYPE = int((OPERAND.fields or {})["dtype"][1])


def _field(byte: int) -> str:
    """The record's field that has a byte."""
    *_, name = (name for name, (_, at, *_) in (RECORD.fields or {}).items() if at <= byte)
    return f"field {name} (byte {byte})"
