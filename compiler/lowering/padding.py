"""Padding by itself, in every number format."""

from __future__ import annotations

import numpy as np
from xdsl.ir import SSAValue

from compiler.dialects.top.movement import PadOp
from compiler.dialects.tpu.base import TpuOp
from compiler.ir.network import shape, tensor
from compiler.lowering.axes import joined, picked, view
from compiler.lowering.borders import cast, real
from compiler.lowering.floating import to_float
from compiler.lowering.int8 import to_int8
from compiler.lowering.integers import chip_element
from compiler.lowering.job import Job
from compiler.lowering.surround import surrounded


@to_float.on(PadOp)
def pad(op: PadOp, job: Job) -> TpuOp:
    whole = chip_element(tensor(op.input).element_type) is not None
    return _padded(op, op.input if whole else real(op.input, job), job)


@to_int8.on(PadOp)
def int8_pad(op: PadOp, job: Job) -> TpuOp | None:
    return _padded(op, cast(op.input, job.scales[job.name], job), job)


def _padded(op: PadOp, x: SSAValue, job: Job) -> TpuOp:
    """Constants around `x`, or on each axis rows of its own."""
    if op.mode.data == "constant":
        return surrounded(x, op.sides(), op.val.value.data, job)
    made = view(x, shape(x))
    padded = [axis for axis, sides in enumerate(op.sides()) if any(sides)]
    for axis in padded:
        made = _beside(x, axis, op, job)
        if axis != padded[-1]:
            x = job.insert(made, f"axis{axis}")
    return made


def _beside(x: SSAValue, axis: int, op: PadOp, job: Job) -> TpuOp:
    """Rows picked out of `x`, `x` itself, and rows again: only few are fetched one by one."""
    (before, _), rows = op.sides()[axis], np.array(op.rows(axis))
    ends = rows[:before], rows[before + shape(x)[axis] :]
    first, last = (
        [job.insert(picked(x, end, axis, job), f"{side}{axis}")] if end.size else list[SSAValue]()
        for side, end in zip(("before", "after"), ends, strict=True)
    )
    return joined([*first, x, *last], axis, job)
