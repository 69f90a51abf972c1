"""Types by axis through the ops that only pass values on: which axis it is before and after, and which scales."""

from __future__ import annotations

from math import prod

from xdsl.ir import Operation

from compiler.dialects.fields import numbers
from compiler.dialects.quant import UniformType
from compiler.dialects.top.movement import ConcatOp, PermuteOp, SliceOp, View
from compiler.dialects.top.pooling import MaxPoolOp
from compiler.ir.axis_types import on_axis, reshaped, taken
from compiler.ir.network import shape


def axis_before(op: Operation, axis: int) -> int | None:
    """The axis of the operands that becomes `axis` of the result, index by index; None where there is none such."""
    match op:
        case ConcatOp():
            return axis if axis == op.axis.value.data else None
        case PermuteOp():
            return numbers(op.order)[axis]
        case View():
            dims, made = shape(op.input), shape(op.output)
            inner = prod(made[axis + 1 :])
            return next((i for i, n in enumerate(dims) if n == made[axis] and prod(dims[i + 1 :]) == inner), None)
        case SliceOp():
            return axis
        case MaxPoolOp():
            return axis if axis < 2 else None
        case _:
            return None


def moved(op: Operation, element: UniformType) -> UniformType:
    """The result's type of an op on one operand of a type by axis. Raises ValueError where the axis is lost."""
    axis = element.axis.data
    match op:
        case PermuteOp():
            return on_axis(element, numbers(op.order).index(axis))
        case View():
            made = reshaped(element, shape(op.input), shape(op.output))
        case SliceOp():
            made = taken(element, axis, op.ranges()[axis])
        case MaxPoolOp():
            made = element
        case _:
            raise ValueError(f"{op.name} doesn't keep the scales of axis {axis}")
    assert isinstance(made, UniformType)
    return made
