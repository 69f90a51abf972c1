"""Transposed convolution, in every number format: a constant filter made ready for its phases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from xdsl.dialects.builtin import TensorType, i32
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.top.base import is_present
from compiler.dialects.top.transposed import DeconvOp
from compiler.dialects.tpu import windows as tpu
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.transposed import Axis, Transposed
from compiler.ir.network import Array, Shape, shape
from compiler.lowering.borders import real
from compiler.lowering.dynamic_filter import dynamic_deconv
from compiler.lowering.floating import bias_of, to_float
from compiler.lowering.int8 import part_type, quantise_for, stored, to_int8, weights_of
from compiler.lowering.job import Job
from compiler.lowering.layout import by_groups, chip_filter
from compiler.lowering.phases import attributes_of, met


@dataclass(frozen=True)
class Ready:
    """What the chip takes: the input, filters (oc, ic / group, 1, kh·kw) with their taps in its order, the window."""

    x: SSAValue
    filters: Array
    window: Transposed


@to_float.on(DeconvOp)
def deconv(op: DeconvOp, job: Job) -> TpuOp:
    if (filters := job.array(op.filter)) is None:
        return dynamic_deconv(op, job)
    ready = _ready(op, real(op.input, job), filters, job)
    return by_groups(op, ready.x, ready.filters, job, partial(_float, op, job, ready.window))


def _float(op: DeconvOp, job: Job, window: Transposed, x: SSAValue, filters: Array, channels: slice, tag: str) -> TpuOp:
    operands = [x, job.weight(f"filter{tag}", chip_filter(filters), job.element), bias_of(job, op.bias, channels, tag)]
    result = TensorType(job.element, _extents(op, x, filters))
    return tpu.DeconvOp(operands=operands, result_types=[result], attributes=_attributes(op, window, x, filters))


@to_int8.on(DeconvOp)
def int8_deconv(op: DeconvOp, job: Job) -> TpuOp | None:
    if (filters := job.array(op.filter)) is None:
        return None
    ready = _ready(op, stored(op.input, job), filters, job)
    return by_groups(op, ready.x, ready.filters, job, partial(_int8, op, job, ready.window))


def _int8(op: DeconvOp, job: Job, window: Transposed, x: SSAValue, filters: Array, channels: slice, tag: str) -> TpuOp:
    bias = job.constant(op.bias, "bias").reshape(-1)[channels] if is_present(op.bias) else None
    made = quantise_for(x, filters, bias, job, channels)
    params = job.weight(f"params{tag}", made.params.reshape(1, -1, 1, 3), i32)
    operands = [x, weights_of(made, f"filter{tag}", chip_filter(made.weights), job, channels), params]
    result = part_type(_extents(op, x, filters), job, channels)
    return tpu.DeconvOp(operands=operands, result_types=[result], attributes=_attributes(op, window, x, filters))


def _attributes(op: DeconvOp, window: Transposed, x: SSAValue, filters: Array) -> dict[str, Attribute]:
    return attributes_of(op, window, shape(x)[1] // filters.shape[1])


def _extents(op: DeconvOp, x: SSAValue, filters: Array) -> Shape:
    return (shape(x)[0], filters.shape[0], *shape(op.output)[2:])


def _ready(op: DeconvOp, x: SSAValue, filters: Array, job: Job) -> Ready:
    """Every phase has taps, and every window meets the input: where not, zeros are put in."""
    rows, columns = op.window.rows, op.window.columns
    filters, rows = _plain(filters, 2, rows)
    filters, columns = _plain(filters, 3, columns)
    x, window = met(op, x, Transposed(rows, columns), job)
    ic, outputs, *_ = filters.shape
    depth = ic // op.groups
    taps = filters.reshape(op.groups, depth, outputs, -1)[..., window.order()]
    turned = np.ascontiguousarray(taps.transpose(0, 2, 1, 3))
    return Ready(x, turned.reshape(op.groups * outputs, depth, 1, -1), window)


def _plain(filters: Array, along: int, axis: Axis) -> tuple[Array, Axis]:
    """A kernel without holes that share a factor with the stride, and no shorter than it, by taps of zero."""
    if axis.is_plain:
        return filters, axis
    taken = np.arange(axis.taps) * axis.dilation
    length = max(axis.reach, axis.stride)
    made = np.zeros((*filters.shape[:along], length, *filters.shape[along + 1 :]), filters.dtype)
    made[(slice(None),) * along + (taken,)] = filters
    return made, replace(axis, taps=length, dilation=1)
