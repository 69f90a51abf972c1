"""Softmax, made of several Tpu ops."""

from __future__ import annotations

from xdsl.dialects.builtin import StringAttr, TensorType, f32
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.fields import ints
from compiler.dialects.formula import Operand, exp, log
from compiler.dialects.top.normalisation import SoftmaxOp
from compiler.dialects.tpu.base import TpuOp
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


def _reduce(function: str, x: SSAValue, result: TensorType[Attribute]) -> ReduceOp:
    attributes: dict[str, Attribute] = {"function": StringAttr(function), "axes": ROWS}
    return ReduceOp(operands=[x], result_types=[result], attributes=attributes)
