"""Matrix products: by constant weights, and of two activations, batch by batch, in every number format."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import numpy as np
from xdsl.dialects.builtin import BoolAttr, TensorType, f32
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.fields import integer
from compiler.dialects.formula import Operand
from compiler.dialects.quant import UniformType
from compiler.dialects.top.base import is_present
from compiler.dialects.top.contraction import MatMulOp
from compiler.dialects.tpu import contraction as tpu
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.movement import ConcatOp
from compiler.dialects.tpu.product import BatchMatMulOp
from compiler.ir.network import Array, Shape, shape, tensor
from compiler.ir.storage import uniform
from compiler.lowering.borders import quantised_array, real
from compiler.lowering.floating import bias_of, formula_op, to_float
from compiler.lowering.int8 import (
    bias_values,
    params_of,
    quantise_for,
    result_type,
    step_of,
    stored,
    to_int8,
    weights_of,
)
from compiler.lowering.integers import I32
from compiler.lowering.job import Job
from compiler.lowering.layout import activation, as_matrix, chip_right
from compiler.lowering.rows import fills_lanes, int8_rows, rows
from compiler.quantization.fixed_point import multiplier_and_shift
from compiler.quantization.float_ops import serves_float
from compiler.quantization.types import symmetric

MOST = 1 << 31
"""What an int32 sum stays below."""


@to_float.on(MatMulOp)
def matmul(op: MatMulOp, job: Job) -> TpuOp:
    """A bias of a product of activations is added by itself."""
    if not _has_weights(op, job):
        return _float_product(op, job)
    right = chip_right(op, job.constant(op.right, "right operand"), job)
    if fills_lanes(shape(op.input), right.shape[1]):
        return rows(op, right[0, :, :, 0], job)
    x = as_matrix(op, real(op.input, job), job)
    operands = [x, job.weight("right", right, job.element), bias_of(job, op.bias)]
    result = TensorType(job.element, (shape(x)[0], right.shape[1]))
    made = tpu.MatMulOp(operands=operands, result_types=[result], attributes=activation(op))
    return job.viewed(made, shape(op.output), "matrix")


@to_int8.on(MatMulOp)
def int8_matmul(op: MatMulOp, job: Job) -> TpuOp | None:
    """
    None for a product of activations with a bias, or with sums that int32 may not hold.

    What only float ops read isn't requantised: the int32 sums become f32.
    """
    if not _has_weights(op, job):
        return _int8_product(op, job)
    right = chip_right(op, job.constant(op.right, "right operand"), job)
    if fills_lanes(shape(op.input), right.shape[1]):
        return int8_rows(op, right[0, :, :, 0], job)
    x = as_matrix(op, stored(op.input, job), job)
    made = quantise_for(x, right[0, :, :, 0], bias_values(op.bias, job), job)
    operands = [x, weights_of(made, "right", made.weights.reshape(right.shape), job), params_of(made, job)]
    if serves_float(op, job.formats) and not op.do_relu:
        sums = tpu.MatMulOp(operands=operands, result_types=[TensorType(I32, (shape(x)[0], right.shape[1]))])
        return job.viewed(_scaled(sums, made.units.reshape(1, -1), job), shape(op.output), "matrix")
    result = result_type((shape(x)[0], right.shape[1]), job)
    product = tpu.MatMulOp(operands=operands, result_types=[result], attributes=activation(op))
    return job.viewed(product, shape(op.output), "matrix")


def _has_weights(op: MatMulOp, job: Job) -> bool:
    """Whether the right operand is one constant matrix."""
    right = job.array(op.right)
    return right is not None and all(extent == 1 for extent in right.shape[:-2])


@dataclass(frozen=True)
class Factor:
    """An operand of a product of activations, matrices last: a `value`, or an `array` to be one of `element` type."""

    value: SSAValue
    array: Array | None
    element: Attribute
    dims: Shape

    def under(self, rank: int) -> Factor:
        """The operand with ones in front, up to a rank."""
        return replace(self, dims=(*(1,) * (rank - len(self.dims)), *self.dims))

    def spread(self, lead: Shape) -> Factor:
        """The operand (batch, rows, columns): of `lead` axes as many as there are, or one for all."""
        own, matrix = self.dims[:-2], self.dims[-2:]
        return replace(self, dims=(1 if prod(own) == 1 else prod(lead), *matrix))

    def placed(self, lead: Shape, extents: Shape, suffix: str, job: Job) -> SSAValue:
        """The operand, its leading axes repeated to those of `lead` unless all are 1, under other extents."""
        own, matrix = self.dims[:-2], self.dims[-2:]
        if self.array is not None:
            wanted = lead if prod(own) != 1 else own
            held = np.broadcast_to(self.array.reshape(self.dims), (*wanted, *matrix)).reshape(extents)
            if isinstance(self.element, UniformType):
                held = quantised_array(held, self.element)
            return job.weight(suffix, held, self.element)
        value = self.value
        for axis, (mine, wanted) in enumerate(zip(own, lead, strict=True)):
            if prod(own) != 1 and mine != wanted:
                outer, inner = prod(lead[:axis]), prod((*own[axis + 1 :], *matrix))
                value = _repeated(job.reshape(value, (outer, 1, inner), f"{suffix}{axis}"), wanted, suffix, job)
        return job.reshape(value, extents, suffix)


def _repeated(x: SSAValue, times: int, suffix: str, job: Job) -> SSAValue:
    """(outer, 1, inner) → (outer, times, inner)"""
    outer, _, inner = shape(x)
    result = TensorType(tensor(x).element_type, (outer, times, inner))
    made = ConcatOp(operands=[[x] * times], result_types=[result], attributes={"axis": integer(1)})
    return job.insert(made, f"{suffix}_repeated")


def _float_product(op: MatMulOp, job: Job) -> TpuOp:
    left, right = (
        Factor(real(value, job), job.array(value), job.element, shape(value)) for value in (op.input, op.right)
    )
    if not is_present(op.bias):
        return _product(op, left, right, job.element, job, activation(op))
    made = job.insert(_product(op, left, right, job.element, job, {}), "product")
    dims = (*(1,) * (len(shape(op.output)) - 1), shape(op.output)[-1])
    offset = job.weight("bias", job.constant(op.bias, "bias").reshape(dims), job.element)
    return formula_op(op.activate(Operand(0) + Operand(1)), [made, offset], made.type)


def _int8_product(op: MatMulOp, job: Job) -> TpuOp | None:
    if is_present(op.bias):
        return None
    left, right = (_int8_factor(value, job) for value in (op.input, op.right))
    (step, reach), (other_step, other_reach) = map(_range, (left.element, right.element))
    if op.depth * reach * other_reach >= MOST:
        return None
    if serves_float(op, job.formats) and not op.do_relu:
        sums = _product(op, left, right, I32, job, {})
        return _scaled(sums, np.full((1,) * len(shape(op.output)), step * other_step), job)
    multiplier, shift = multiplier_and_shift(step * other_step / step_of(job))
    factor = {"multiplier": integer(multiplier), "rshift": integer(shift)}
    return _product(op, left, right, job.scales[job.name], job, activation(op) | factor)


def _scaled(sums: TpuOp, steps: Array, job: Job) -> TpuOp:
    """Int32 sums in steps of so much, as f32."""
    made = TensorType(f32, shape(sums.output))
    return formula_op(Operand(0) * Operand(1), [job.insert(sums, "sums"), job.weight("steps", steps, f32)], made)


def _int8_factor(value: SSAValue, job: Job) -> Factor:
    """A constant is quantised as a whole."""
    if (array := job.array(value)) is not None:
        return Factor(value, array, symmetric(float(array.min()), float(array.max())), array.shape)
    held = stored(value, job)
    return Factor(held, None, uniform(held), shape(value))


def _range(element: Attribute) -> tuple[float, int]:
    """The scale of a quantised type, and its largest distance from the zero point."""
    assert isinstance(element, UniformType)
    zero = element.zero_points.data[0].data
    return element.scales.data[0].data, max(element.maximum.data - zero, zero - element.minimum.data)


def _product(
    op: MatMulOp, left: Factor, right: Factor, element: Attribute, job: Job, attributes: dict[str, Attribute]
) -> TpuOp:
    """
    The product as the chip has it, (b, m, k) by (b, k, n) or by (b, n, k), seen as what `op` makes.

    Leading axes along which `right` is the same are rows of `left`. One row by a transposed operand is the transposed
    operand by one column: then the lanes have work.
    """
    rank = len(shape(op.output))
    left, right, lead = left.under(rank), right.under(rank), shape(op.output)[:-2]
    while lead and right.dims[len(lead) - 1] == 1:
        *outer, rows, m, k = left.dims
        lead, left = lead[:-1], replace(left, dims=(*outer, rows * m, k))
        right = replace(right, dims=(*right.dims[: len(lead)], *right.dims[-2:]))
    (m, k), turned = left.dims[-2:], bool(op.right_transpose)
    if m == 1 and turned:
        left, right, turned, m = right, replace(left, dims=(*left.dims[:-2], k, 1)), False, right.dims[-2]
    n = right.dims[-2 if turned else -1]
    a = left.placed(lead, left.spread(lead).dims, "left", job)
    b = right.placed(lead, right.spread(lead).dims, "right", job)
    made = BatchMatMulOp(
        operands=[a, b, job.none()],
        result_types=[TensorType(element, (prod(lead), m, n))],
        attributes={**attributes, "right_transpose": BoolAttr.from_bool(turned)},
    )
    return job.viewed(made, shape(op.output), "batches")
