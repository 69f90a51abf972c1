"""Float rules made of several Tpu ops: softmax, reductions over any axes, scales by channel."""

from __future__ import annotations

from xdsl.dialects.builtin import StringAttr, TensorType, f32
from xdsl.ir import SSAValue

from compiler.dialects.fields import ints, numbers
from compiler.dialects.formula import Operand, exp, log
from compiler.dialects.top.normalisation import SoftmaxOp
from compiler.dialects.top.pooling import ReduceOp as TopReduceOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.movement import PermuteOp
from compiler.dialects.tpu.pooling import ReduceOp
from compiler.ir.network import shape, size, tensor
from compiler.lowering.borders import real
from compiler.lowering.floating import formula_op, to_float
from compiler.lowering.job import Job

ROWS = ints(2)


@to_float.on(SoftmaxOp)
def softmax(op: SoftmaxOp, job: Job) -> TpuOp:
    """`exp(beta·(x - max)) / Σ` over axis 2 of (1, outer, axis, inner); between input and result all is f32."""
    dims = shape(op.output)
    axis = op.axis.value.data % len(dims)
    frame = (1, size(dims[:axis]), dims[axis], size(dims[axis + 1 :]))
    x = job.reshape(real(op.input, job), frame, "in")
    most = job.insert(_reduce("max", x, TensorType(tensor(x).element_type, (*frame[:2], 1, frame[3]))), "max")
    beta, shifted = op.beta.value.data, Operand(0) - Operand(1)
    scaled = shifted if beta == 1.0 else shifted * beta
    grown = job.insert(formula_op(exp(scaled), [x, most], TensorType(f32, frame)), "exp")
    total = job.insert(_reduce("sum", grown, TensorType(f32, shape(most))), "sum")
    result = TensorType(job.element, frame)
    if op.log:
        made = formula_op(scaled - log(Operand(2)), [x, most, total], result)
    else:
        made = formula_op(Operand(0) / Operand(1), [grown, total], result)
    return job.viewed(made, dims, "div")


@to_float.on(TopReduceOp)
def reduce(op: TopReduceOp, job: Job) -> TpuOp:
    """
    Reduced axes are brought together at the end and made one, axis 2 of (1, kept, reduced, 1).

    A minimum is the maximum of the negated values, negated.
    """
    dims, axes = shape(op.input), numbers(op.axes)
    kept = [i for i in range(len(dims)) if i not in axes]
    x = real(op.input, job)
    if (order := [*kept, *axes]) != list(range(len(dims))):
        turned = TensorType(tensor(x).element_type, tuple(dims[i] for i in order))
        x = job.insert(PermuteOp(operands=[x], result_types=[turned], attributes={"order": ints(*order)}), "turned")
    frame = (1, size(tuple(dims[i] for i in kept)), size(tuple(dims[i] for i in axes)), 1)
    x = job.reshape(x, frame, "in")
    result = TensorType(job.element, (*frame[:2], 1, 1))
    if op.mode.data == "ReduceMin":
        negated = job.insert(formula_op(-Operand(0), [x], TensorType(job.element, frame)), "negated")
        most = job.insert(_reduce("max", negated, result), "max")
        return job.viewed(formula_op(-Operand(0), [most], result), shape(op.output), "min")
    function = op.mode.data.removeprefix("Reduce").lower()
    return job.viewed(_reduce(function, x, result), shape(op.output), function)


def _reduce(function: str, x: SSAValue, result: TensorType) -> ReduceOp:
    attributes = {"function": StringAttr(function), "axes": ROWS}
    return ReduceOp(operands=[x], result_types=[result], attributes=attributes)
