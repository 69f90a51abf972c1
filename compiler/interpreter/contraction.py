"""Convolution and matrix product."""

from __future__ import annotations

import numpy as np

from compiler.dialects.tpu.contraction import Contraction, ConvOp, MatMulOp
from compiler.interpreter.evaluate import Arrays, evaluate, extents, pads_of
from compiler.ir.network import Array
from compiler.ir.storage import is_quantised, storage, zero_point
from compiler.schedule.tiling import Piece
from simulator.arithmetic import floating, integer
from simulator.arithmetic.casts import clamp, narrow
from simulator.arithmetic.requantise import requantise


@evaluate.on(ConvOp)
def conv(op: ConvOp, inputs: Arrays, piece: Piece) -> Array:
    x, w, params = inputs
    window, pads = op.window, pads_of(piece)
    w = w.reshape(w.shape[1], w.shape[2], *window.kernel)
    kind = {"strides": window.strides, "dilations": window.dilations}
    if is_quantised(op.input):
        sums = integer.convolve(x, w, zx=zero_point(op.input), pads=pads, **kind, depthwise=op.depthwise, start=None)
        return requantised(op, sums, params)
    start = _start(params, piece)
    sums = floating.convolve(x, w, pads=pads, **kind, depthwise=op.depthwise, start=start)
    return narrow(clamp(sums, *op.clamp()), storage(op.output))


@evaluate.on(MatMulOp)
def matmul(op: MatMulOp, inputs: Arrays, piece: Piece) -> Array:
    x, right, params = inputs
    a, w = x[:, :, 0, 0], right[0, :, :, 0]
    if is_quantised(op.input):
        sums = integer.multiply(a, w, zx=zero_point(op.input), start=None)
        return requantised(op, sums.reshape(extents(piece)), params)
    start = _start(params, piece)[:, :, 0, 0]
    sums = floating.multiply(a, w, start=start).reshape(extents(piece))
    return narrow(clamp(sums, *op.clamp()), storage(op.output))


def _start(params: Array, piece: Piece) -> Array:
    """The f32 bias (1, c, 1, 1), or +0.0, where each sum begins."""
    return np.broadcast_to(params if params.size else np.float32(0), extents(piece))


def requantised(op: Contraction, sums: Array, params: Array) -> Array:
    """What int32 sums are stored as: bias, multiplier and shift of the piece's channels are the columns of `params`."""
    bias, multiplier, shift = (params[..., i : i + 1] for i in range(3))
    if not is_quantised(op.output):
        return sums + bias
    zero, kind = zero_point(op.output), storage(op.output)
    return requantise(sums, multiplier, shift, zero, *op.clamp(), kind, bias=bias)
