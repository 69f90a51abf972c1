"""Reductions over any axes, in every number format."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import StringAttr, TensorType
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.fields import Ints, integer, ints, numbers
from compiler.dialects.formula import Operand
from compiler.dialects.top.pooling import ReduceOp as TopReduceOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.movement import PermuteOp
from compiler.dialects.tpu.pooling import ReduceOp
from compiler.ir.network import Shape, shape, size, tensor
from compiler.ir.storage import scale
from compiler.lowering.borders import real
from compiler.lowering.fixed_point import multiplier_and_shift
from compiler.lowering.floating import formula_op, to_float
from compiler.lowering.int8 import step_of, stored, to_int8
from compiler.lowering.job import Job


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
    """A minimum is the maximum of the negated values, negated."""
    x, made = real(op.input, job), shape(op.output)
    if op.mode.data == "ReduceMin":
        negated = formula_op(-Operand(0), [x], TensorType(job.element, shape(x)))
        framed = _framed(op, job.insert(negated, "negated"), job)
        most = job.insert(framed.reduce("max", job.element), "max")
        return job.viewed(formula_op(-Operand(0), [most], most.type), made, "min")
    function = op.mode.data.removeprefix("Reduce").lower()
    return job.viewed(_framed(op, x, job).reduce(function, job.element), made, function)


@to_int8.on(TopReduceOp)
def int8_reduce(op: TopReduceOp, job: Job) -> TpuOp | None:
    """A maximum keeps the operand's type; a sum or mean is requantised; a minimum is better in f32."""
    if op.mode.data == "ReduceMin":
        return None
    x, made = stored(op.input, job), shape(op.output)
    framed, function = _framed(op, x, job), op.mode.data.removeprefix("Reduce").lower()
    if function == "max":
        return job.viewed(framed.reduce(function, tensor(x).element_type), made, function)
    count = size(shape(x)) // size(made) if function == "mean" else 1
    multiplier, shift = multiplier_and_shift(scale(x) / step_of(job) / count)
    factor = {"multiplier": integer(multiplier), "rshift": integer(shift)}
    return job.viewed(framed.reduce(function, job.scales[job.name], **factor), made, function)


def _framed(op: TopReduceOp, x: SSAValue, job: Job) -> Framed:
    """Rows and columns where they are; other axes are brought to the end, and made one: (1, kept, reduced, 1)."""
    dims, axes = shape(x), numbers(op.axes)
    if len(dims) == 4 and set(axes) <= {2, 3}:
        return Framed(x, ints(*axes), tuple(1 if i in axes else n for i, n in enumerate(dims)))
    kept = [i for i in range(len(dims)) if i not in axes]
    if (order := [*kept, *axes]) != list(range(len(dims))):
        turned = TensorType(tensor(x).element_type, tuple(dims[i] for i in order))
        x = job.insert(PermuteOp(operands=[x], result_types=[turned], attributes={"order": ints(*order)}), "turned")
    outer, reduced = (size(tuple(dims[i] for i in part)) for part in (kept, axes))
    return Framed(job.reshape(x, (1, outer, reduced, 1), "in"), ints(2), (1, outer, 1, 1))
