"""Padding by itself, in every number format: the operand between constants."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.fields import integer
from compiler.dialects.quant import UniformType
from compiler.dialects.top.movement import PadOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.movement import ConcatOp, ReshapeOp
from compiler.ir.network import Shape, shape
from compiler.lowering.borders import cast, quantised_array, real
from compiler.lowering.floating import to_float
from compiler.lowering.int8 import to_int8
from compiler.lowering.job import Job


@to_float.on(PadOp)
def pad(op: PadOp, job: Job) -> TpuOp:
    return _padded(op, real(op.input, job), job.element, job)


@to_int8.on(PadOp)
def int8_pad(op: PadOp, job: Job) -> TpuOp | None:
    element = job.scales[job.name]
    return _padded(op, cast(op.input, element, job), element, job)


def _padded(op: PadOp, x: SSAValue, element: Attribute, job: Job) -> TpuOp:
    """A Concat for each axis that has padding, a view where none has."""
    made: TpuOp = ReshapeOp(operands=[x], result_types=[TensorType(element, shape(x))])
    padded = [(axis, sides) for axis, sides in enumerate(op.sides()) if any(sides)]
    for axis, (before, after) in padded:
        parts = [x]
        if before:
            parts.insert(0, _constant(op, _extended(x, axis, before), element, f"before{axis}", job))
        if after:
            parts.append(_constant(op, _extended(x, axis, after), element, f"after{axis}", job))
        result = TensorType(element, _extended(x, axis, before + shape(x)[axis] + after))
        made = ConcatOp(operands=[parts], result_types=[result], attributes={"axis": integer(axis)})
        if axis != padded[-1][0]:
            x = job.insert(made, f"axis{axis}")
    return made


def _extended(x: SSAValue, axis: int, extent: int) -> Shape:
    """The extents of `x` with another one on an axis."""
    return (*shape(x)[:axis], extent, *shape(x)[axis + 1 :])


def _constant(op: PadOp, extents: Shape, element: Attribute, suffix: str, job: Job) -> SSAValue:
    values = np.full(extents, op.val.value.data)
    held = quantised_array(values, element) if isinstance(element, UniformType) else values
    return job.weight(suffix, held, element)
