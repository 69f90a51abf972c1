"""Softmax, made of several Tpu ops."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import StringAttr, TensorType, f32
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.fields import integer, ints
from compiler.dialects.formula import Operand, Term, exp, log
from compiler.dialects.quant import UniformType
from compiler.dialects.top.normalisation import SoftmaxOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.elementwise import LutOp, RescaleAddOp
from compiler.dialects.tpu.pooling import ReduceOp
from compiler.ir.network import Shape, shape, size, tensor
from compiler.ir.storage import is_quantised, scale
from compiler.lowering.borders import of_every_byte, real
from compiler.lowering.floating import formula_op, to_float
from compiler.lowering.job import Job
from compiler.quantization.types import U8

ROWS = ints(2)


@dataclass(frozen=True)
class Powers:
    """
    What a softmax is made of, in f32: `grown` is `exp(beta·(x - max))` over axis 2 of (1, outer, axis, inner).

    `exponent` is `beta·(x - max)` as a formula over `operands`.
    """

    grown: SSAValue
    exponent: Term
    operands: list[SSAValue]

    def total(self, of: SSAValue, suffix: str, job: Job) -> SSAValue:
        """The sum over axis 2 of values in the frame of the powers."""
        n, c, _, w = shape(self.grown)
        return job.insert(_reduce("sum", of, TensorType(f32, (n, c, 1, w))), suffix)


@to_float.on(SoftmaxOp)
def softmax(op: SoftmaxOp, job: Job) -> TpuOp:
    """`exp(beta·(x - max)) / Σ`; between input and result all is f32."""
    powers = powers_of(op, job)
    total = powers.total(powers.grown, "sum", job)
    result = TensorType(job.element, shape(powers.grown))
    if op.log:
        count = len(powers.operands)
        made = formula_op(powers.exponent - log(Operand(count)), [*powers.operands, total], result)
    else:
        made = formula_op(Operand(0) / Operand(1), [powers.grown, total], result)
    return job.viewed(made, shape(op.output), "div")


def powers_of(op: SoftmaxOp, job: Job) -> Powers:
    """The powers of a softmax; of an 8-bit operand they are a table's, for there are but 256 differences."""
    dims = shape(op.output)
    axis = op.axis.value.data % len(dims)
    frame = (1, size(dims[:axis]), dims[axis], size(dims[axis + 1 :]))
    if is_quantised(op.input) and job.element == f32:
        return _by_table(op, frame, job)
    x = job.reshape(real(op.input, job), frame, "in")
    most = _most(x, job)
    beta, shifted = op.beta.value.data, Operand(0) - Operand(1)
    exponent = shifted if beta == 1.0 else shifted * beta
    grown = job.insert(formula_op(exp(exponent), [x, most], TensorType(f32, frame)), "exp")
    return Powers(grown, exponent, [x, most])


def _by_table(op: SoftmaxOp, frame: Shape, job: Job) -> Powers:
    """The steps from each element up to the maximum, u8, and the power of each of these numbers."""
    x = job.reshape(op.input, frame, "in")
    apart = TensorType(UniformType.per_tensor(scale(x), storage=U8), frame)
    attributes: dict[str, Attribute] = {"multipliers": ints(1, -1), "rshift": integer(0)}
    below = job.insert(RescaleAddOp(operands=[_most(x, job), x], result_types=[apart], attributes=attributes), "below")
    exponent = Operand(0) * -op.beta.value.data
    return Powers(_looked_up(exp(exponent), below, "exp", job), Operand(0), [_looked_up(exponent, below, "power", job)])


def _looked_up(term: Term, x: SSAValue, suffix: str, job: Job) -> SSAValue:
    """`term` of each byte's value, in f32."""
    table = job.weight(f"{suffix}_table", of_every_byte(term, x).reshape(1, 1, 1, 256), f32)
    return job.insert(LutOp(operands=[x, table], result_types=[TensorType(f32, shape(x))]), suffix)


def _most(x: SSAValue, job: Job) -> SSAValue:
    n, c, _, w = shape(x)
    return job.insert(_reduce("max", x, TensorType(tensor(x).element_type, (n, c, 1, w))), "max")


def _reduce(function: str, x: SSAValue, result: TensorType[Attribute]) -> ReduceOp:
    attributes: dict[str, Attribute] = {"function": StringAttr(function), "axes": ROWS}
    return ReduceOp(operands=[x], result_types=[result], attributes=attributes)
