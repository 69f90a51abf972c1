"""Top to Tpu in a floating-point format: f32, and bf16 or f16 rounded at every stored tensor."""

from __future__ import annotations

from functools import partial

from xdsl.dialects.builtin import StringAttr, TensorType, f32
from xdsl.ir import Attribute, Operation, SSAValue

from compiler.dialects.fields import integer
from compiler.dialects.formula import Term
from compiler.dialects.top.base import TopOp, is_present
from compiler.dialects.top.contraction import ConvOp
from compiler.dialects.top.pooling import AvgPoolOp
from compiler.dialects.tpu import contraction as tpu
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.elementwise import ElementwiseOp
from compiler.dialects.tpu.pooling import PoolOp, ReduceOp
from compiler.ir.interface import Interface
from compiler.ir.network import Array, shape
from compiler.lowering.borders import real
from compiler.lowering.dynamic_filter import dynamic_conv
from compiler.lowering.job import Job, shared
from compiler.lowering.layout import (
    PLANE,
    activation,
    by_groups,
    chip_filter,
    per_channel,
)
from compiler.lowering.surround import within_reach


@Interface
def to_float(op: Operation, job: Job) -> TpuOp:
    """The op that computes `op` in the type `job.element`, accumulating in f32; what it needs is put before it."""
    raise NotImplementedError


@to_float.on(ConvOp)
def conv(op: ConvOp, job: Job) -> TpuOp:
    if (filters := job.array(op.filter)) is None:
        return dynamic_conv(op, job)
    x = within_reach(op, real(op.input, job), job)
    return by_groups(op, x, filters, job, partial(_conv, op, job))


def _conv(op: ConvOp, job: Job, x: SSAValue, filters: Array, channels: slice, tag: str) -> TpuOp:
    """The convolution of `x` to some of the op's output channels; `filters` (oc, ic, kh, kw) are theirs."""
    depth = shape(x)[1] // filters.shape[1]
    bias = bias_of(job, op.bias, channels, tag)
    operands = [x, job.weight(f"filter{tag}", chip_filter(filters), job.element), bias]
    extents = (shape(x)[0], filters.shape[0], *shape(op.output)[2:])
    attributes = shared(op, tpu.ConvOp) | {"group": integer(depth)}
    return tpu.ConvOp(operands=operands, result_types=[TensorType(job.element, extents)], attributes=attributes)


@to_float.on(AvgPoolOp)
def avg_pool(op: AvgPoolOp, job: Job) -> TpuOp:
    x = real(op.input, job)
    if op.covers_plane:
        attributes = activation(op) | {"function": StringAttr("mean"), "axes": PLANE}
        return ReduceOp(operands=[x], result_types=[_result(op, job)], attributes=attributes)
    attributes = {**shared(op, PoolOp), "function": StringAttr("avg")}
    return PoolOp(operands=[x, job.none()], result_types=[_result(op, job)], attributes=attributes)


def formula_op(term: Term, operands: list[SSAValue], result: Attribute) -> ElementwiseOp:
    """A `tpu.Elementwise` of a formula."""
    return ElementwiseOp(operands=[operands], result_types=[result], attributes={"formula": StringAttr(str(term))})


def _result(op: TopOp, job: Job) -> TensorType[Attribute]:
    return TensorType(job.element, shape(op.output))


def bias_of(job: Job, bias: SSAValue, channels: slice = slice(None), tag: str = "") -> SSAValue:
    """The bias in f32 (1, oc, 1, 1), in every float format; absent stays absent."""
    if not is_present(bias):
        return job.none()
    values = job.constant(bias, "bias").reshape(-1)[channels]
    return job.weight(f"params{tag}", per_channel(values), f32)
