"""Operands of many records at once: which are used, and the bytes of a lane that they cover."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from simulator.chip import Chip
from simulator.isa.record import OPERANDS, Records
from simulator.isa.table import SPECS, DType, Flag, Region

Mask = NDArray[np.bool_]
"""For each record and operand slot."""

Spans = NDArray[np.int64]
"""For each record and operand slot the first byte, and the one after the last; both 0 where there is nothing."""

_NEEDS: Mapping[str, Flag] = {"acc": Flag.ACC_IN | Flag.ACC_OUT}
_BARRED: Mapping[str, Flag] = {"out": Flag.ACC_OUT, "a": Flag.SCALAR_A, "b": Flag.SCALAR_B}


def _by_code(flags: Mapping[str, Flag]) -> NDArray[np.uint16]:
    """The flags of each named operand, by op code and slot."""
    made = np.zeros((256, OPERANDS), np.uint16)
    for spec in SPECS.values():
        for slot, name in enumerate(spec.operands):
            made[spec.code, slot] = flags.get(name, Flag.NONE)
    return made


def _named(name: str) -> Mask:
    made = np.zeros((256, OPERANDS), np.bool_)
    for spec in SPECS.values():
        if name in spec.operands:
            made[spec.code, spec.operands.index(name)] = True
    return made


_NEEDED, _BARRING = _by_code(_NEEDS), _by_code(_BARRED)
_OUT, _ACC = _named("out"), _named("acc")


def used(records: Records) -> Mask:
    """Which operands a record reads or writes, as its flags have it: `timing.used` of many records."""
    code, flags = records["op"], records["flags"][:, None]
    needed = _NEEDED[code]
    there = records["operands"]["dtype"] != DType.NONE
    return there & ((needed == 0) | ((flags & needed) != 0)) & ((flags & _BARRING[code]) == 0)


def written(records: Records) -> Mask:
    """Which operands a record writes: its result, or the accumulators that it leaves unfinished."""
    code, left = records["op"], ((records["flags"] & Flag.ACC_OUT) != 0)[:, None]
    return used(records) & (_OUT[code] | (_ACC[code] & left))


def read(records: Records) -> Mask:
    """Which operands a record reads."""
    code, go_on = records["op"], ((records["flags"] & Flag.ACC_IN) != 0)[:, None]
    return used(records) & ~_OUT[code] & (~_ACC[code] | go_on)


def local_spans(records: Records, chip: Chip) -> Spans:
    """The bytes of a lane from the first to the last that each used local operand touches, over all lanes."""
    operands = records["operands"]
    here = used(records) & (operands["region"] == Region.LOCAL)
    counts = operands["dims"].astype(np.int64)
    lanes = operands["lane"].astype(np.int64) % chip.lanes
    counts[..., 1] = -(-(lanes + counts[..., 1]) // chip.lanes)
    steps = (counts - 1) * operands["strides"]
    first = operands["addr"] + np.minimum(steps, 0).sum(-1)
    stop = operands["addr"] + np.maximum(steps, 0).sum(-1) + ITEMSIZES[operands["dtype"]]
    return np.where(here[..., None], np.stack([first, stop], -1), 0)


def _itemsizes() -> NDArray[np.int64]:
    made = np.zeros(256, np.int64)
    for dtype in DType:
        made[dtype] = dtype.itemsize
    return made


ITEMSIZES = _itemsizes()
"""Bytes an element, by the code of its type."""


def bank_conflicts(spans: Spans, chip: Chip) -> NDArray[np.int64]:
    """How many operands of each record share a bank with another of its own, as `timing.bank_conflicts`."""
    first, stop = spans[..., 0] // chip.bank_bytes, -(-spans[..., 1] // chip.bank_bytes)
    banks = (np.int64(1) << stop) - (np.int64(1) << first)
    shared = np.zeros(len(spans), np.int64)
    for slot in range(OPERANDS):
        others = np.bitwise_or.reduce(np.delete(banks, slot, 1), 1)
        shared += (banks[:, slot] & others) != 0
    return shared
