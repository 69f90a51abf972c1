"""Normalisations, made of several Tpu ops; between operand and result all is f32, whatever the network's format."""

from __future__ import annotations

from math import prod

import numpy as np
from xdsl.dialects.builtin import StringAttr, TensorType, f32
from xdsl.ir import SSAValue

from compiler.dialects.fields import TRUE, Ints, ints
from compiler.dialects.formula import Apply, Operand, Term, exp, log, sqrt
from compiler.dialects.top.base import is_present
from compiler.dialects.top.normalisation import GroupNormOp, LayerNormOp, LRNOp, Normalisation, RMSNormOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.pooling import PoolOp, ReduceOp
from compiler.ir.network import Shape, shape
from compiler.lowering.borders import real
from compiler.lowering.floating import formula_op, to_float
from compiler.lowering.job import Job

ROWS: Ints = ints(2)


@to_float.on(LayerNormOp)
def layer_norm(op: LayerNormOp, job: Job) -> TpuOp:
    """Over axis 2 of (1, outer, normalised, 1): in two passes, the mean first."""
    dims = shape(op.input)
    axis = op.axis.value.data % len(dims)
    x = job.reshape(real(op.input, job), (1, prod(dims[:axis]), prod(dims[axis:]), 1), "in")
    centred, variance = _spread(x, job)
    factors = [_along(value, dims[axis:], role, job) for value, role in ((op.weight, "weight"), (op.bias, "bias"))]
    return job.viewed(_scaled(op, centred, variance, factors, job), dims, "rows")


@to_float.on(RMSNormOp)
def rms_norm(op: RMSNormOp, job: Job) -> TpuOp:
    dims = shape(op.input)
    axis = op.axis.value.data % len(dims)
    x = job.reshape(real(op.input, job), (1, prod(dims[:axis]), prod(dims[axis:]), 1), "in")
    squares = _squares(x, job)
    factors = [_along(op.gamma, dims[axis:], "gamma", job), None]
    return job.viewed(_scaled(op, x, _mean(squares, "mean_square", job), factors, job), dims, "rows")


@to_float.on(GroupNormOp)
def group_norm(op: GroupNormOp, job: Job) -> TpuOp:
    """Over axis 2 of (1, groups, elements, 1); weight and bias then belong to the channels of (n, c, pixels, 1)."""
    dims, groups = shape(op.input), op.num_groups.value.data
    frame = (dims[0], dims[1], prod(dims[2:]), 1)
    of_group = frame if groups == dims[1] else (1, dims[0] * groups, prod(dims[1:]) // groups, 1)
    centred, variance = _spread(job.reshape(real(op.input, job), of_group, "in"), job)
    values = (op.weight, op.bias)
    factors = [_shaped(v, (1, dims[1], 1, 1), r, job) for v, r in zip(values, ("weight", "bias"), strict=True)]
    if of_group == frame or not any(factors):
        return job.viewed(_scaled(op, centred, variance, factors, job), dims, "groups")
    normal = job.insert(_scaled(op, centred, variance, [None, None], job), "normal")
    term, operands = _affine(Operand(0), [job.reshape(normal, frame, "channels")], factors)
    return job.viewed(formula_op(term, operands, TensorType(job.element, frame)), dims, "scaled")


@to_float.on(LRNOp)
def lrn(op: LRNOp, job: Job) -> TpuOp:
    """The mean square is an average pool of the squares over the channels, which are the rows of (n, 1, c, pixels)."""
    dims, size = shape(op.input), op.count.value.data
    frame = (dims[0], 1, dims[1], prod(dims[2:]))
    x = job.reshape(real(op.input, job), frame, "in")
    squares = _squares(x, job)
    before, after = (size - 1) // 2, size // 2
    window = {"kernel_shape": ints(size, 1), "strides": ints(1, 1), "pads": ints(before, 0, after, 0)}
    attributes = {**window, "function": StringAttr("avg"), "count_include_pad": TRUE}
    pool = PoolOp(operands=[squares, job.none()], result_types=[TensorType(f32, frame)], attributes=attributes)
    mean = job.insert(pool, "mean_square")
    raised = Operand(1) * op.alpha.value.data + op.bias.value.data
    term = Operand(0) / exp(log(raised) * op.beta.value.data)
    return job.viewed(formula_op(term, [x, mean], TensorType(job.element, frame)), dims, "frame")


def _spread(x: SSAValue, job: Job) -> tuple[SSAValue, SSAValue]:
    """`x` less its mean over axis 2, and the variance, both f32."""
    mean = _mean(x, "mean", job)
    centred = job.insert(formula_op(Operand(0) - Operand(1), [x, mean], TensorType(f32, shape(x))), "centred")
    return centred, _mean(_squares(centred, job), "variance", job)


def _squares(x: SSAValue, job: Job) -> SSAValue:
    """`x` by a copy of itself: two operands at one place would take turns at its bank, twice the time of a copy."""
    term = Operand(0) * Apply("copy", (Operand(0),))
    return job.insert(formula_op(term, [x], TensorType(f32, shape(x))), "squares")


def _mean(x: SSAValue, suffix: str, job: Job) -> SSAValue:
    n, c, _, w = shape(x)
    result = TensorType(f32, (n, c, 1, w))
    attributes = {"function": StringAttr("mean"), "axes": ROWS}
    return job.insert(ReduceOp(operands=[x], result_types=[result], attributes=attributes), suffix)


def _scaled(op: Normalisation, x: SSAValue, spread: SSAValue, factors: list[SSAValue | None], job: Job) -> TpuOp:
    """`x ÷ √(spread + eps)`, then the factors that there are."""
    root = job.insert(formula_op(sqrt(Operand(0) + op.eps.value.data), [spread], spread.type), "root")
    term, operands = _affine(Operand(0) / Operand(1), [x, root], factors)
    return formula_op(term, operands, TensorType(job.element, shape(x)))


def _affine(term: Term, operands: list[SSAValue], factors: list[SSAValue | None]) -> tuple[Term, list[SSAValue]]:
    """`term · weight + bias`, and all its operands."""
    weight, bias = factors
    if weight is not None:
        operands, term = [*operands, weight], term * Operand(len(operands))
    if bias is not None:
        operands, term = [*operands, bias], term + Operand(len(operands))
    return term, operands


def _along(value: SSAValue, dims: Shape, role: str, job: Job) -> SSAValue | None:
    """A factor of the normalised axes as (1, 1, normalised, 1). Raises Unlowerable for one that is to be repeated."""
    if not is_present(value):
        return None
    array = job.array(value)
    if array is not None:
        return job.weight(role, np.broadcast_to(array, dims).reshape(1, 1, -1, 1), f32)
    if prod(shape(value)) != prod(dims):
        raise job.refusal(f"{role} {list(shape(value))} isn't constant and has to be repeated; expand it first")
    return _shaped(value, (1, 1, prod(dims), 1), role, job)


def _shaped(value: SSAValue, extents: Shape, role: str, job: Job) -> SSAValue | None:
    """A factor under these extents; None where there is none."""
    if not is_present(value):
        return None
    array = job.array(value)
    if array is not None:
        return job.weight(role, array.reshape(extents), f32)
    return job.reshape(real(value, job), extents, role)
