"""A tensor between constants: padding as data, where no window has it as its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import SSAValue

from compiler.dialects.fields import ints
from compiler.dialects.quant import UniformType
from compiler.dialects.top.contraction import ConvOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.movement import ReshapeOp
from compiler.ir.network import Shape, shape, tensor
from compiler.lowering.axes import joined
from compiler.lowering.borders import quantised_array
from compiler.lowering.job import Job

Sides = Sequence[tuple[int, int]]
"""Elements before and after, for each axis."""


def surrounded(x: SSAValue, sides: Sides, value: float, job: Job) -> TpuOp:
    """`x` with constants of `value` around it: a Concat for each axis that has any, a view where none has."""
    element = tensor(x).element_type
    made: TpuOp = ReshapeOp(operands=[x], result_types=[TensorType(element, shape(x))])
    padded = [(axis, both) for axis, both in enumerate(sides) if any(both)]
    for axis, (before, after) in padded:
        parts = [x]
        if before:
            parts.insert(0, _constant(x, axis, before, value, f"before{axis}", job))
        if after:
            parts.append(_constant(x, axis, after, value, f"after{axis}", job))
        made = joined(parts, axis, job)
        if axis != padded[-1][0]:
            x = job.insert(made, f"axis{axis}")
    return made


def within_reach(op: ConvOp, x: SSAValue, job: Job) -> SSAValue:
    """
    `x` with those zeros around it that the chip's windows don't take for padding; the op's `pads` lose them.

    A record's padding is smaller than its window's reach: every window touches the input.
    """
    reach = (*op.window.reach, *op.window.reach)
    own = [min(pad, most - 1) for pad, most in zip(op.window.pads, reach, strict=True)]
    top, left, bottom, right = (pad - kept for pad, kept in zip(op.window.pads, own, strict=True))
    if not any((top, left, bottom, right)):
        return x
    op.pads = ints(*own)
    return job.insert(surrounded(x, [(0, 0), (0, 0), (top, bottom), (left, right)], 0.0, job), "padded")


def _extended(x: SSAValue, axis: int, extent: int) -> Shape:
    """The extents of `x` with another one on an axis."""
    return (*shape(x)[:axis], extent, *shape(x)[axis + 1 :])


def _constant(x: SSAValue, axis: int, extent: int, value: float, suffix: str, job: Job) -> SSAValue:
    element, values = tensor(x).element_type, np.full(_extended(x, axis, extent), value)
    held = quantised_array(values, element) if isinstance(element, UniformType) else values
    return job.weight(suffix, held, element)
