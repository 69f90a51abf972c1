"""What the weights of a contraction meet at some of its results, as the columns of a matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation

from compiler.dialects.tpu.contraction import ConvOp, MatMulOp
from compiler.dialects.tpu.product import BatchMatMulOp
from compiler.dialects.tpu.windows import DeconvOp
from compiler.ir.interface import Interface
from compiler.ir.network import Array, shape, size
from compiler.ir.storage import zero_point

Places = NDArray[np.int64]
"""Results of an op, counted over all axes but that of its channels."""

F32 = NDArray[np.float32]

Contraction = ConvOp | DeconvOp | MatMulOp | BatchMatMulOp
"""Ops whose weights are stored by output channel."""


@Interface
def columns(op: Operation, x: Array, places: Places) -> F32:
    """
    (groups, k, places): of the op's stored operand `x` what each weight meets, less the zero point.

    One group where all channels meet the same, else one for each channel; k in the order in which weights are stored.
    """
    raise NotImplementedError


@columns.on(ConvOp)
def conv(op: ConvOp, x: Array, places: Places) -> F32:
    n, _, oh, ow = shape(op.output)
    ic, (h, w), window = shape(op.input)[1], shape(op.input)[2:], op.window
    image, row, column = np.unravel_index(places, (n, oh, ow))
    top, left, *_ = window.pads
    rows = row[:, None] * window.strides[0] - top + np.arange(window.kernel[0]) * window.dilations[0]
    along = column[:, None] * window.strides[1] - left + np.arange(window.kernel[1]) * window.dilations[1]
    inside = ((rows >= 0) & (rows < h))[:, :, None] & ((along >= 0) & (along < w))[:, None, :]
    taken = x[image[:, None, None], :, rows.clip(0, h - 1)[:, :, None], along.clip(0, w - 1)[:, None, :]]
    return _laid_out(op, taken, inside, ic)


def _laid_out(op: ConvOp | DeconvOp, taken: Array, inside: Array, ic: int) -> F32:
    """Windows (places, taps…, ic) as columns, padding as zeros."""
    made = np.where(inside[..., None], taken.astype(np.float32) - np.float32(zero_point(op.input)), np.float32(0))
    made = made.reshape(len(taken), -1, ic).transpose(2, 1, 0)
    return np.ascontiguousarray(made if op.depthwise else made.reshape(1, -1, len(taken)))


@columns.on(DeconvOp)
def deconv(op: DeconvOp, x: Array, places: Places) -> F32:
    """At a place the taps of its phase meet the input, the others zeros."""
    (n, _, oh, ow), window = shape(op.output), op.window
    ic, (h, w) = shape(op.input)[1], shape(op.input)[2:]
    image, row, column = np.unravel_index(places, (n, oh, ow))
    down, across = np.divmod(np.array(window.order()), window.columns.taps)
    rows, whole_rows = np.divmod(row[:, None] + window.rows.pad - down * window.rows.dilation, window.rows.stride)
    along, whole = np.divmod(
        column[:, None] + window.columns.pad - across * window.columns.dilation, window.columns.stride
    )
    inside = (whole_rows == 0) & (whole == 0) & (rows >= 0) & (rows < h) & (along >= 0) & (along < w)
    taken = x[image[:, None], :, rows.clip(0, h - 1), along.clip(0, w - 1)]
    return _laid_out(op, taken, inside, ic)


@columns.on(MatMulOp, BatchMatMulOp)
def product(op: MatMulOp | BatchMatMulOp, x: Array, places: Places) -> F32:
    rows = x.reshape(-1, op.reduction())[places]
    return np.ascontiguousarray((rows.astype(np.float32) - np.float32(zero_point(op.input))).T)[None]


def results(op: Contraction, made: Array, places: Places) -> Array:
    """(channels, places) of an array that has at least the op's channels, in the op's layout or a view of it."""
    if isinstance(op, MatMulOp | BatchMatMulOp):
        return made.reshape(-1, made.shape[-1])[places].T
    image, pixel = np.divmod(places, size(shape(op.output)[2:]))
    return made.reshape(*made.shape[:2], -1)[image, :, pixel].T


def channels(op: Contraction) -> int:
    """How many channels the op makes."""
    return shape(op.output)[-1 if isinstance(op, MatMulOp | BatchMatMulOp) else 1]


def count(op: Contraction) -> int:
    """How many places there are."""
    return size(shape(op.output)) // channels(op)


def depth_of(op: Contraction) -> int:
    """How many numbers the weights of all channels meet at one place."""
    depth = size(shape(op.operands[1])) // channels(op)
    return depth * channels(op) if isinstance(op, ConvOp | DeconvOp) and op.depthwise else depth
