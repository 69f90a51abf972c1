"""NaN and infinity where they are born: in the result of a record whose operands have none."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from simulator.checks.walk import Access, accesses, in_lanes
from simulator.chip import Chip
from simulator.isa.record import Command
from simulator.isa.table import DType, Flag, Region
from simulator.memory import Array, Place
from simulator.timing import span

EXPONENTS: Mapping[DType, int] = {DType.F32: 0x7F800000, DType.BF16: 0x7F80, DType.F16: 0x7C00}
"""The bits that are all set in a NaN and an infinity, and in no other number."""

MOVERS = frozenset(("LOAD", "STORE", "COPY", "GATHER", "UNPACK"))
"""Ops that make no number."""

_SCALARS = {Flag.SCALAR_A: ("scalar", "scalar_a"), Flag.SCALAR_B: ("scalar", "scalar_b")}


def watched(command: Command, chip: Chip) -> tuple[Access, list[Access], list[Access]] | None:
    """
    A record's result, its operands of floats that it writes over, and the others; None if it can bear nothing.

    One whose own scalar isn't finite, or that only moves numbers, doesn't.
    """
    told = [in_lanes(command, access, chip.lanes) for access in accesses(command)]
    floats = [access for access in told if access.operand.dtype in EXPONENTS]
    result = next((access for access in floats if access.write), None)
    setting = command.op == "SCATTER" and command.function == "set"
    if result is None or command.op in MOVERS or setting or not _finite_scalars(command):
        return None
    first, last = span(result.operand, chip)
    over, beside = list[Access](), list[Access]()
    for access in floats:
        start, stop = span(access.operand, chip)
        meets = access.operand.region == Region.LOCAL and start < last and first < stop
        if not access.write:
            (over if meets else beside).append(access)
    return result, over, beside


def odd(place: Place, dtype: DType) -> bool:
    """Whether a tensor has a NaN or an infinity."""
    return any(bool(_odd(block, dtype).any()) for block in place.blocks)


def where_odd(values: Array, dtype: DType) -> tuple[NDArray[np.int64], bool]:
    """The indices (count, 4) of NaNs and infinities, and whether there is a NaN."""
    found = np.argwhere(_odd(values, dtype))
    return found, bool(np.isnan(values.astype(np.float32)).any())


def _odd(values: Array, dtype: DType) -> NDArray[np.bool_]:
    bits = values.view(np.uint32 if dtype == DType.F32 else np.uint16)
    mask = bits.dtype.type(EXPONENTS[dtype])
    return (bits & mask) == mask


def _finite_scalars(command: Command) -> bool:
    used = [name for flag, names in _SCALARS.items() if flag in command.flags for name in names]
    return all(np.isfinite(command.params.get(name, 0.0)) for name in used)
