"""Reductions over any axes, in every number format."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import StringAttr, TensorType
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.fields import Ints, integer, ints, numbers
from compiler.dialects.top.pooling import ReduceOp as TopReduceOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.pooling import ReduceOp
from compiler.ir.network import Shape, shape, size, tensor
from compiler.ir.storage import scale
from compiler.lowering.axes import permuted
from compiler.lowering.borders import real
from compiler.lowering.floating import to_float
from compiler.lowering.int8 import step_of, stored, to_int8
from compiler.lowering.integers import I32, chip_element
from compiler.lowering.job import Job
from compiler.quantization.fixed_point import multiplier_and_shift


@dataclass(frozen=True)
class Framed:
    """`x` as a frame whose `axes`, 2 or 3 or both, are to be reduced, which leaves `extents`."""

    x: SSAValue
    axes: Ints
    extents: Shape

    def reduce(self, function: str, element: Attribute, **more: Attribute) -> ReduceOp:
        """The reduction, its result of an element type."""
        attributes = {"function": StringAttr(function), "axes": self.axes, **more}
        return ReduceOp(operands=[self.x], result_types=[TensorType(element, self.extents)], attributes=attributes)


@to_float.on(TopReduceOp)
def reduce(op: TopReduceOp, job: Job) -> TpuOp:
    """Integers are reduced as they lie, sums and products in 32 bits."""
    element, made = tensor(op.output).element_type, shape(op.output)
    function = op.mode.data.removeprefix("Reduce").lower()
    if (whole := chip_element(element)) is None:
        return job.viewed(_framed(op, real(op.input, job), job).reduce(function, job.element), made, function)
    if function == "mean" or (function in ("sum", "prod") and whole != I32):
        raise job.refusal(f"the {function} of {element}; cast it to float, or to int32, first")
    return job.viewed(_framed(op, op.input, job).reduce(function, whole), made, function)


@to_int8.on(TopReduceOp)
def int8_reduce(op: TopReduceOp, job: Job) -> TpuOp | None:
    """A maximum or minimum keeps the operand's type; a sum or mean is requantised; a product is better in f32."""
    if op.mode.data == "ReduceProd":
        return None
    x, made = stored(op.input, job), shape(op.output)
    framed, function = _framed(op, x, job), op.mode.data.removeprefix("Reduce").lower()
    if function in ("max", "min"):
        return job.viewed(framed.reduce(function, tensor(x).element_type), made, function)
    count = size(shape(x)) // size(made) if function == "mean" else 1
    multiplier, shift = multiplier_and_shift(scale(x) / step_of(job) / count)
    factor = {"multiplier": integer(multiplier), "rshift": integer(shift)}
    return job.viewed(framed.reduce(function, job.scales[job.name], **factor), made, function)


def _framed(op: TopReduceOp, x: SSAValue, job: Job) -> Framed:
    """Rows and columns where they are; other axes are brought together, and made one: (1, outer, reduced, inner)."""
    dims, axes = shape(x), numbers(op.axes)
    if len(dims) == 4 and set(axes) <= {2, 3}:
        return Framed(x, ints(*axes), tuple(1 if i in axes else n for i, n in enumerate(dims)))
    kept = [i for i in range(len(dims)) if i not in axes]
    if list(axes) == list(range(axes[0], axes[-1] + 1)):
        parts = dims[: axes[0]], dims[axes[0] : axes[-1] + 1], dims[axes[-1] + 1 :]
    else:
        x = job.insert(permuted(x, [*kept, *axes], job), "turned")
        parts = tuple(dims[i] for i in kept), tuple(dims[i] for i in axes), ()
    outer, reduced, inner = map(size, parts)
    return Framed(job.reshape(x, (1, outer, reduced, inner), "in"), ints(2), (1, outer, 1, inner))
