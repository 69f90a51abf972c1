"""A gain and an offset for each channel, in every number format: a 1×1 convolution of each channel by itself."""

from __future__ import annotations

from math import prod

import numpy as np
from xdsl.dialects.builtin import TensorType, f32, i32

from compiler.dialects.top.base import is_present
from compiler.dialects.top.normalisation import BatchNormOp, ScaleOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.contraction import ConvOp
from compiler.ir.network import Array, Shape, shape
from compiler.lowering.borders import real
from compiler.lowering.floating import to_float
from compiler.lowering.int8 import quantise_for, result_type, stored, to_int8, weights_of
from compiler.lowering.job import Job
from compiler.lowering.layout import chip_filter, per_channel, pointwise

Channelwise = ScaleOp | BatchNormOp


@to_float.on(ScaleOp, BatchNormOp)
def scale(op: Channelwise, job: Job) -> TpuOp:
    gain, offset = _gain_and_offset(op, job)
    x = job.reshape(real(op.input, job), planes(shape(op.input)), "in")
    operands = [x, job.weight("filter", chip_filter(gain), job.element), job.weight("params", per_channel(offset), f32)]
    result = TensorType(job.element, shape(x))
    made = ConvOp(operands=operands, result_types=[result], attributes=pointwise(op, x))
    return job.viewed(made, shape(op.output), "frame")


@to_int8.on(ScaleOp, BatchNormOp)
def int8_scale(op: Channelwise, job: Job) -> TpuOp | None:
    gain, offset = _gain_and_offset(op, job)
    x = job.reshape(stored(op.input, job), planes(shape(op.input)), "in")
    made = quantise_for(x, gain, offset, job)
    params = job.weight("params", made.params.reshape(1, -1, 1, 3), i32)
    operands = [x, weights_of(made, "filter", chip_filter(made.weights), job), params]
    conv = ConvOp(operands=operands, result_types=[result_type(shape(x), job)], attributes=pointwise(op, x))
    return job.viewed(conv, shape(op.output), "frame")


def planes(dims: Shape) -> Shape:
    """(n, c, h, w) of a tensor with its channels on axis 1; the axes between them and the last are h."""
    return (*dims[:2], prod(dims[2:-1]), prod(dims[2:][-1:]))


def _gain_and_offset(op: Channelwise, job: Job) -> tuple[Array, Array]:
    """Filters (c, 1, 1, 1) and biases (c), in float64."""
    if isinstance(op, ScaleOp):
        gain, offset = job.constant(op.scale, "scale").astype(np.float64), job.constant(op.bias, "bias")
        return gain.reshape(-1, 1, 1, 1), offset.astype(np.float64).reshape(-1)
    mean, variance = (job.constant(v, "statistic").astype(np.float64) for v in (op.mean, op.variance))
    gamma = job.constant(op.gamma, "gamma").astype(np.float64) if is_present(op.gamma) else np.ones_like(mean)
    beta = job.constant(op.beta, "beta").astype(np.float64) if is_present(op.beta) else np.zeros_like(mean)
    gain = gamma / np.sqrt(variance + op.epsilon.value.data)
    return gain.reshape(-1, 1, 1, 1), beta - mean * gain
