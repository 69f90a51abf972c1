"""Products by constant weights with rows in the lanes, features along each: as norms and attention have them too."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import TensorType, f32, i32
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.fields import TRUE
from compiler.dialects.top.base import is_present
from compiler.dialects.top.contraction import MatMulOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.movement import ReshapeOp
from compiler.dialects.tpu.product import BatchMatMulOp
from compiler.ir.network import Array, Shape, shape
from compiler.lowering.borders import real
from compiler.lowering.int8 import bias_values, quantise_for, result_type, stored, weights_of
from compiler.lowering.job import Job
from compiler.lowering.layout import activation
from compiler.quantization.fixed_point import multiplier_and_shift
from compiler.quantization.float_ops import serves_float
from simulator.layout import up

LANES, PIXELS = 64, 4
"""Lanes of the widest chip, and results that a lane makes at a time; others have fewer by powers of two."""

WORTH = 4 / 3
"""So many times the cycles of the other mapping are worth it: results needn't change lanes before what follows."""


def fills_lanes(dims: Shape, columns: int) -> bool:
    """Whether a product of `dims` (b, rows, depth) to so many columns has its rows in the lanes."""
    if len(dims) != 3 or dims[1] < LANES:
        return False
    batch, height, _ = dims
    mine = batch * up(height, LANES) * up(columns, PIXELS)
    return mine <= WORTH * up(columns, LANES) * up(batch * height, PIXELS)


def rows(op: MatMulOp, right: Array, job: Job) -> TpuOp:
    """In the job's float type; `right` is (columns, depth)."""
    x = real(op.input, job)
    params = job.none()
    if is_present(op.bias):
        params = job.weight("params", job.constant(op.bias, "bias").reshape(1, -1, 1, 1), f32)
    return _made(op, x, job.weight("right", right[None], job.element), params, job.element, job)


def int8_rows(op: MatMulOp, right: Array, job: Job) -> TpuOp:
    """The same of 8-bit operands; what only float ops read becomes f32."""
    x = stored(op.input, job)
    made = quantise_for(x, right, bias_values(op.bias, job), job)
    told, element = made.params, result_type(shape(op.output), job).element_type
    if serves_float(op, job.formats) and not op.do_relu:
        factors = [multiplier_and_shift(float(np.float32(unit))) for unit in made.units]
        told = np.column_stack([told[:, 0], factors])
        element = f32
    params = job.weight("params", told.reshape(1, -1, 1, 3), i32)
    return _made(op, x, weights_of(made, "right", made.weights[None], job), params, element, job)


def _made(op: MatMulOp, x: SSAValue, right: SSAValue, params: SSAValue, element: Attribute, job: Job) -> TpuOp:
    return BatchMatMulOp(
        operands=[_unviewed(x), right, params],
        result_types=[TensorType(element, shape(op.output))],
        attributes={"right_transpose": TRUE, **activation(op)},
    )


def _unviewed(x: SSAValue) -> SSAValue:
    """`x` (b, rows, depth), or what it is a view of, where that has the same rows with two axes for their columns."""
    if isinstance(x.owner, ReshapeOp):
        given = x.owner.input
        if len(shape(given)) == 4 and shape(given)[:2] == shape(x)[:2]:
            return given
    return x
