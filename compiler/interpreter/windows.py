"""Transposed convolution and resampling."""

from __future__ import annotations

import numpy as np

from compiler.dialects.tpu.windows import DeconvOp, ResampleOp
from compiler.dialects.transposed import Phase
from compiler.interpreter.contraction import requantised
from compiler.interpreter.evaluate import Arrays, evaluate, extents
from compiler.ir.network import Array, shape
from compiler.ir.storage import is_quantised, storage, zero_point
from compiler.schedule.tiling import Piece
from simulator.arithmetic import floating, integer
from simulator.arithmetic.casts import clamp, narrow
from simulator.arithmetic.requantise import requantise
from simulator.arithmetic.resampling import resample as resampled


@evaluate.on(DeconvOp)
def deconv(op: DeconvOp, inputs: Arrays, piece: Piece) -> Array:
    """Phase by phase, each a plain convolution, its results between those of the others."""
    window, dims = op.window, shape(op.input)
    made = np.empty(extents(piece), storage(op.output))
    for phase in window.shares(piece.work[2], piece.work[3], (dims[2], dims[3])):
        rows, columns = phase.rows, phase.columns
        down, across = slice(rows.offset, None, window.rows.stride), slice(columns.offset, None, window.columns.stride)
        made[:, :, down, across] = _phase(op, phase, inputs, piece)
    return made


def _phase(op: DeconvOp, phase: Phase, inputs: Arrays, piece: Piece) -> Array:
    x, w, params = inputs
    top, left = (piece.parts[0].box[axis].start for axis in (2, 3))
    rows, columns = phase.rows.read, phase.columns.read
    x = x[:, :, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    w = w[0, :, :, phase.taps].reshape(*w.shape[1:3], *phase.kernel)
    dilations = op.window.rows.dilation, op.window.columns.dilation
    if is_quantised(op.output):
        sums = integer.convolve(
            x, w, zx=zero_point(op.input), strides=(1, 1), pads=phase.pads, dilations=dilations,
            depthwise=op.depthwise, start=None,
        )  # fmt: skip
        return requantised(op, sums, params)
    start = params if params.size else np.zeros((1, 1, 1, 1), np.float32)
    sums = floating.convolve(
        x, w, strides=(1, 1), pads=phase.pads, dilations=dilations, depthwise=op.depthwise, start=start
    )
    return narrow(clamp(sums, *op.clamp()), storage(op.output))


@evaluate.on(ResampleOp)
def resample(op: ResampleOp, inputs: Arrays, piece: Piece) -> Array:
    x, table = inputs
    rows, function, kind = table.reshape(table.shape[2:]), op.function.data, storage(op.output)
    first, zx = piece.parts[0].box[op.along].start, zero_point(op.input)
    made = resampled(function, x, rows if op.along == 2 else rows.T, axis=op.along, first=first, zx=zx)
    if function == "pick" or kind == np.int32:
        return made
    if not is_quantised(op.output):
        return narrow(made, kind)
    limits, zy = np.iinfo(kind), zero_point(op.output)
    multiplier, shift = (given.value.data if given else 0 for given in (op.multiplier, op.rshift))
    return requantise(made, multiplier, shift, zy, limits.min, limits.max, kind)
